{{- /*
Everything whose size is decided by somebody, as a list of {root, kind, path, name, metadata, scaling, signals, warm} on `into.items`:
each revision of a model, then the gateway; kind is keda or hpa. Arguments: (dict "root" root "kind" kind "into" map). Prints nothing.
*/ -}}
{{- define "llm-serving.scalers" -}}
{{- $root := .root -}}
{{- $kind := .kind -}}
{{- $items := list -}}
{{- $all := dict -}}
{{- include "llm-serving.engines" (dict "root" $root "into" $all) -}}
{{- range $engine := $all.items -}}
{{- $scaling := $engine.config.scaling -}}
{{- if eq $scaling.autoscaler $kind -}}
{{- $annotations := dict -}}
{{- if and (eq $kind "keda") (include "llm-serving.scaling.keeps" $engine) -}}
{{- $_ := set $annotations "autoscaling.keda.sh/paused-scale-in" "true" -}}
{{- end -}}
{{- $item := dict "root" $root "name" $engine.name "path" $engine.path "scaling" $scaling "warm" $scaling.warm -}}
{{- $_ := set $item "metadata" (include "llm-serving.engine.metadata" (dict "engine" $engine "annotations" $annotations)) -}}
{{- $_ := set $item "selector" (include "llm-serving.metric.selector" (dict "root" $root "model" $engine.model.key "revision" $engine.revision)) -}}
{{- $_ := set $item "model" $engine.model.key -}}
{{- include "llm-serving.scaling.signals" (dict "engine" $engine "into" $item) -}}
{{- $items = append $items $item -}}
{{- end -}}
{{- end -}}
{{- if and $root.Values.gateway.enabled (eq $root.Values.gateway.scaling.autoscaler $kind) -}}
{{- $gateway := dict -}}
{{- include "llm-serving.gateway" (dict "root" $root "into" $gateway) -}}
{{- $scaling := $gateway.values.scaling -}}
{{- $open := include "llm-serving.metric" (dict "root" $root "of" "gateway" "key" "open") -}}
{{- $selector := include "llm-serving.metric.selector" (dict "root" $root "of" "gateway") -}}
{{- $signal := dict "name" "inflight" "kind" "AverageValue" "target" $scaling.inFlightTarget
  "query" (printf "sum(%s{%s})" $open $selector) "of" "gateway" "key" "open" -}}
{{- $item := dict "root" $root "name" $gateway.name "path" "gateway" "scaling" $scaling "warm" dict "signals" (list $signal) -}}
{{- $_ := set $item "metadata" (include "llm-serving.gateway.metadata" (dict "gateway" $gateway)) -}}
{{- $items = append $items $item -}}
{{- end -}}
{{- $_ := set .into "items" $items -}}
{{- end -}}

{{- /*
Not empty for a revision that must not lose engines: stable while a canary has requests, so that an abort finds room at once, and previous
for as long as a rollback may need it. Argument: engine.
*/ -}}
{{- define "llm-serving.scaling.keeps" -}}
{{- $tracks := .model.values.tracks -}}
{{- $stable := dig "stable" "revision" "" $tracks -}}
{{- $canary := dig "canary" "revision" "" $tracks -}}
{{- $moving := and (ne $canary $stable) (gt (int (dig "canary" "weight" 0 $tracks)) 0) -}}
{{- if or (and $moving (eq .revision $stable)) (and (ne .revision $stable) (eq .revision (dig "previous" "revision" "" $tracks))) -}}
yes
{{- end -}}
{{- end -}}

{{- /* The behavior of a HorizontalPodAutoscaler. Argument: scaler. */ -}}
{{- define "llm-serving.scaling.behavior" -}}
{{- $tolerant := semverCompare ">=1.34.0-0" (include "llm-serving.kubeVersion" .root) -}}
{{- $behavior := dict -}}
{{- range $direction := list "scaleUp" "scaleDown" -}}
{{- $pace := get $.scaling $direction -}}
{{- $rule := dict
  "stabilizationWindowSeconds" (int $pace.stabilizationSeconds)
  "policies" (list (dict "type" "Pods" "value" (int $pace.pods) "periodSeconds" (int $pace.periodSeconds))) -}}
{{- if and $tolerant (not (kindIs "invalid" $pace.tolerance)) -}}
{{- $_ := set $rule "tolerance" (toString $pace.tolerance) -}}
{{- end -}}
{{- $_ := set $behavior $direction $rule -}}
{{- end -}}
{{- toYaml $behavior -}}
{{- end -}}
