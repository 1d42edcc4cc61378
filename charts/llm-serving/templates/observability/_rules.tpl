{{- /* Every rule group of this release, as YAML: constants, recording rules, alerts. Argument: root. */ -}}
{{- define "llm-serving.observability.groups" -}}
{{- $into := dict "groups" list -}}
{{- include "llm-serving.observability.facts" (dict "root" . "into" $into) -}}
{{- include "llm-serving.observability.recorded" (dict "root" . "into" $into) -}}
{{- include "llm-serving.observability.slow" (dict "root" . "into" $into) -}}
{{- if .Values.observability.alerts.enabled -}}
{{- include "llm-serving.observability.alerts" (dict "root" . "into" $into) -}}
{{- end -}}
{{- dict "groups" $into.groups | toYaml -}}
{{- end -}}

{{- /* files/rules.yaml. Arguments: (dict "root" root "into" {groups}). Prints nothing. */ -}}
{{- define "llm-serving.observability.recorded" -}}
{{- $root := .root -}}
{{- $into := .into -}}
{{- $text := include "llm-serving.observability.text" (dict "root" $root "text" ($root.Files.Get "files/rules.yaml")) -}}
{{- range $name, $group := $text | fromYaml -}}
{{- if include "llm-serving.observability.needed" (dict "root" $root "needs" $group.needs) -}}
{{- $rules := list -}}
{{- range $rule := $group.rules -}}
{{- if $rule.windows -}}
{{- range $window := include "llm-serving.observability.windows" $root | fromJsonArray -}}
{{- $expr := replace "<window>" $window $rule.expr -}}
{{- $rules = append $rules (dict "record" $rule.record "expr" $expr "labels" (dict "window" $window)) -}}
{{- end -}}
{{- else -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- end -}}
{{- $_ := set $into "groups" (append $into.groups (dict "name" (printf "llm-serving.%s" $name) "rules" $rules)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The windows of the burn rates, as a JSON list. */ -}}
{{- define "llm-serving.observability.windows" -}}
{{- list "5m" "30m" "1h" "2h" "6h" "1d" "3d" | toJson -}}
{{- end -}}

{{- /*
The share of late first tokens, one rule per model and window: a model's target is a bucket of its histogram. The gateway's histogram
where there is one, for it sees the queue. Arguments: (dict "root" root "into" {groups}). Prints nothing.
*/ -}}
{{- define "llm-serving.observability.slow" -}}
{{- $root := .root -}}
{{- $all := dict -}}
{{- include "llm-serving.engines" (dict "root" $root "into" $all) -}}
{{- $of := ternary "gateway" "engine" $root.Values.gateway.enabled -}}
{{- $name := include "llm-serving.metric" (dict "root" $root "of" "rules" "key" "slowRatio") -}}
{{- $ttft := include "llm-serving.metric" (dict "root" $root "of" $of "key" "ttft") -}}
{{- $rules := list -}}
{{- range $model := $all.models -}}
{{- with $model.values.targets.ttftSeconds -}}
{{- $bound := include "llm-serving.observability.bound" (dict "root" $root "of" $of "model" $model "engines" $all.items "surface" $all.surface "target" .) -}}
{{- $labels := include "llm-serving.observability.labels" (dict "root" $root "model" $model) | fromJson -}}
{{- $series := include "llm-serving.metric.selector" (dict "root" $root "of" $of "model" $model.key) -}}
{{- range $window := include "llm-serving.observability.windows" $root | fromJsonArray -}}
{{- $expr := printf "1 - sum(rate(%s_bucket{%s,le=%q}[%s])) / (sum(rate(%s_count{%s}[%s])) > 0)" $ttft $series $bound $window $ttft $series $window -}}
{{- $rules = append $rules (dict "record" $name "expr" $expr "labels" (merge (dict "window" $window) $labels)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if $rules -}}
{{- $_ := set .into "groups" (append .into.groups (dict "name" "llm-serving.firstTokens" "rules" $rules)) -}}
{{- end -}}
{{- end -}}
