{{- /*
What only values know, as recording rules of constants: dashboards draw them and alerts compare with them. Appended to `groups` of the
given map. Arguments: (dict "root" root "into" map). Prints nothing.
*/ -}}
{{- define "llm-serving.observability.facts" -}}
{{- $root := .root -}}
{{- $all := dict -}}
{{- include "llm-serving.engines" (dict "root" $root "into" $all) -}}
{{- $to := dict "rules" list -}}
{{- range $engine := $all.items -}}
{{- $scaling := $engine.config.scaling -}}
{{- $labels := include "llm-serving.observability.labels" (dict "root" $root "model" $engine.model "revision" $engine.revision) | fromJson -}}
{{- range $key, $value := dict
  "enginesMin" (int $scaling.minReplicas)
  "enginesMax" (int $scaling.maxReplicas)
  "concurrency" (int $engine.config.maxConcurrentRequests)
  "loadBudget" $engine.times.load -}}
{{- include "llm-serving.observability.fact" (dict "root" $root "to" $to "key" $key "expr" (printf "vector(%v)" $value) "labels" $labels) -}}
{{- end -}}
{{- $deployment := dict "deployment" $engine.name -}}
{{- include "llm-serving.observability.fact" (dict "root" $root "to" $to "key" "deployment" "expr" "vector(1)" "labels" (merge $deployment $labels)) -}}
{{- /* A ReplicaSet is called by its Deployment and a hash; a pod's name may be cut. */ -}}
{{- $owner := include "llm-serving.metric" (dict "root" $root "of" "kubeState" "key" "podOwner") -}}
{{- $pods := printf "max by (namespace, pod) (%s{namespace=%q,owner_kind=\"ReplicaSet\",owner_name=~\"%s-[a-z0-9]+\"})" $owner $root.Release.Namespace $engine.name -}}
{{- include "llm-serving.observability.fact" (dict "root" $root "to" $to "key" "pod" "expr" $pods "labels" $labels) -}}
{{- end -}}
{{- range $model := $all.models -}}
{{- $labels := include "llm-serving.observability.labels" (dict "root" $root "model" $model) | fromJson -}}
{{- range $key, $target := dict "ttftTarget" $model.values.targets.ttftSeconds "tpotTarget" $model.values.targets.tpotSeconds -}}
{{- if $target -}}
{{- include "llm-serving.observability.fact" (dict "root" $root "to" $to "key" $key "expr" (printf "vector(%v)" $target) "labels" $labels) -}}
{{- end -}}
{{- end -}}
{{- if not $root.Values.gateway.enabled -}}
{{- include "llm-serving.observability.fixedTracks" (dict "root" $root "model" $model "to" $to) -}}
{{- end -}}
{{- end -}}
{{- if $to.rules -}}
{{- $_ := set .into "groups" (append .into.groups (dict "name" "llm-serving.facts" "rules" $to.rules)) -}}
{{- end -}}
{{- end -}}

{{- /* One constant. Arguments: (dict "root" root "to" {rules} "key" key "expr" text "labels" map). Prints nothing. */ -}}
{{- define "llm-serving.observability.fact" -}}
{{- $name := include "llm-serving.metric" (dict "root" .root "of" "rules" "key" .key) -}}
{{- $_ := set .to "rules" (append .to.rules (dict "record" $name "expr" .expr "labels" .labels)) -}}
{{- end -}}

{{- /*
Labels that a series of this release carries. Arguments: (dict "root" root "model" model), and optional "revision" and "track". Prints JSON.
*/ -}}
{{- define "llm-serving.observability.labels" -}}
{{- $names := (include "llm-serving.metrics" .root | fromJson).labels -}}
{{- $labels := dict
  "namespace" .root.Release.Namespace
  $names.release (include "llm-serving.metric.release" .root)
  $names.model .model.key
  $names.class .model.values.class -}}
{{- if .revision -}}
{{- $_ := set $labels $names.revision .revision -}}
{{- end -}}
{{- if .track -}}
{{- $_ := set $labels $names.track .track -}}
{{- end -}}
{{- toJson $labels -}}
{{- end -}}
