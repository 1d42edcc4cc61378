{{- /* Exactly one complete source of weights, and declared volumes. Arguments: (dict "engine" engine "to" problems). */ -}}
{{- define "llm-serving.validate.weights" -}}
{{- $to := .to -}}
{{- $path := .engine.path -}}
{{- $weights := .engine.config.weights -}}
{{- $given := keys $weights | sortAlpha -}}
{{- if ne (len $given) 1 -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.weights" $path) "got" $given "want" "exactly one of hub, volume, image, uri") -}}
{{- end -}}
{{- $required := dict
  "hub" (list "repo" "revision") "volume" (list "name" "path") "image" (list "reference") "uri" (list "value" "loadFormat") -}}
{{- range $source := $given -}}
{{- range $key := get $required $source -}}
{{- if not (get (get $weights $source) $key) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.weights.%s.%s" $path $source $key) "got" nil "want" "it given") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and $weights.image (semverCompare "<1.33.0-0" (include "llm-serving.kubeVersion" .engine.root)) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.weights.image" $path) "got" (include "llm-serving.kubeVersion" .engine.root) "want" "Kubernetes 1.33 or later for image volumes") -}}
{{- end -}}
{{- $declared := .engine.root.Values.volumes -}}
{{- $used := dict "weights.volume.name" (dig "volume" "name" "" $weights) "cache.volume" .engine.config.cache.volume -}}
{{- range $key, $volume := $used -}}
{{- if and $volume (not (get $declared $volume)) -}}
{{- $known := keys $declared | sortAlpha | join ", " | default "(none declared)" -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.%s" $path $key) "got" $volume "want" (printf "one of volumes: %s" $known)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
Each volume is made of one thing, and is not asked to serve more pods than its access mode allows.
Arguments: (dict "all" {root, engines} "to" problems).
*/ -}}
{{- define "llm-serving.validate.volumes" -}}
{{- $to := .to -}}
{{- $pods := dict -}}
{{- range $engine := .all.engines -}}
{{- $scaling := $engine.config.scaling -}}
{{- $most := int (ternary $scaling.minReplicas $scaling.maxReplicas (eq $scaling.autoscaler "none")) -}}
{{- $most = add $most (ternary 1 0 $engine.config.strategy.surge) -}}
{{- range list (dig "volume" "name" "" $engine.config.weights) $engine.config.cache.volume | uniq | compact -}}
{{- $_ := set $pods . (add (default 0 (get $pods .)) $most) -}}
{{- end -}}
{{- end -}}
{{- range $key, $volume := .all.root.Values.volumes -}}
{{- if not (kindIs "invalid" $volume) -}}
{{- $given := list -}}
{{- range $kind := list "existingClaim" "create" "local" -}}
{{- if get $volume $kind -}}
{{- $given = append $given $kind -}}
{{- end -}}
{{- end -}}
{{- if ne (len $given) 1 -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "volumes.%s" $key) "got" $given "want" "exactly one of existingClaim, create, local") -}}
{{- end -}}
{{- $count := default 0 (get $pods $key) -}}
{{- $mode := default "ReadWriteMany" $volume.accessMode -}}
{{- if and (hasPrefix "ReadWriteOnce" $mode) (gt (int $count) 1) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "volumes.%s.accessMode" $key) "got" $mode "want" (printf "ReadWriteMany or ReadOnlyMany: up to %d engines use it at once, surge counted" (int $count))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
