{{- /*
What an autoscaler needs and could only complain about where nobody looks. Arguments: (dict "all" {root, models, engines} "to" problems).
*/ -}}
{{- define "llm-serving.validate.scaling" -}}
{{- $to := .to -}}
{{- $root := .all.root -}}
{{- $scalers := list -}}
{{- range .all.engines -}}
{{- $scalers = append $scalers .config.scaling.autoscaler -}}
{{- if has .config.scaling.autoscaler (list "keda" "hpa") -}}
{{- include "llm-serving.validate.scaling.engine" (dict "engine" . "to" $to) -}}
{{- end -}}
{{- end -}}
{{- if $root.Values.gateway.enabled -}}
{{- $scaling := $root.Values.gateway.scaling -}}
{{- $scalers = append $scalers $scaling.autoscaler -}}
{{- include "llm-serving.validate.scaling.floor" (dict "path" "gateway" "scaling" $scaling "to" $to) -}}
{{- end -}}
{{- if and (has "keda" $scalers) (not $root.Values.prometheus.address) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" "prometheus.address" "got" nil "want" "the Prometheus that KEDA asks") -}}
{{- end -}}
{{- end -}}

{{- /* One revision. Arguments: (dict "engine" engine "to" problems). */ -}}
{{- define "llm-serving.validate.scaling.engine" -}}
{{- $to := .to -}}
{{- $path := .engine.path -}}
{{- $config := .engine.config -}}
{{- $scaling := $config.scaling -}}
{{- if eq (int $scaling.minReplicas) 0 -}}
{{- include "llm-serving.validate.scaling.zero" . -}}
{{- else if kindIs "invalid" $scaling.inFlightTarget -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.scaling.inFlightTarget" $path) "got" nil "want" "requests in flight per engine, such as 0.7 x maxConcurrentRequests") -}}
{{- else if gt (float64 $scaling.inFlightTarget) (mulf 0.9 $config.maxConcurrentRequests) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.scaling.inFlightTarget" $path) "got" $scaling.inFlightTarget "want" (printf "at most 0.9 x maxConcurrentRequests, %v: a full engine runs no more, and the last tenth is within the autoscaler's tolerance" (mulf 0.9 $config.maxConcurrentRequests))) -}}
{{- end -}}
{{- range $window, $when := $scaling.warm -}}
{{- if and $when (gt (int $when.engines) (int $scaling.maxReplicas)) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.scaling.warm.%s.engines" $path $window) "got" $when.engines "want" (printf "at most maxReplicas, %v" $scaling.maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- if and $scaling.warm (eq $scaling.autoscaler "hpa") -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.scaling.warm" $path) "got" (keys $scaling.warm | sortAlpha) "want" "autoscaler keda: a HorizontalPodAutoscaler knows no clock") -}}
{{- end -}}
{{- include "llm-serving.validate.scaling.floor" (dict "path" $path "scaling" $scaling "to" $to) -}}
{{- end -}}

{{- /* A revision that may go to zero. Arguments: (dict "engine" engine "to" problems). */ -}}
{{- define "llm-serving.validate.scaling.zero" -}}
{{- $to := .to -}}
{{- $path := printf "%s.scaling" .engine.path -}}
{{- $scaling := .engine.config.scaling -}}
{{- if eq $scaling.autoscaler "hpa" -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.minReplicas" $path) "got" 0 "want" "at least 1, or autoscaler keda, which can wake a model at zero") -}}
{{- end -}}
{{- if not .engine.root.Values.gateway.enabled -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.minReplicas" $path) "got" 0 "want" "at least 1 without the gateway: nothing else knows that a model at zero is asked for") -}}
{{- end -}}
{{- if kindIs "invalid" $scaling.demandTarget -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.demandTarget" $path) "got" nil "want" "requests per second that one engine answers") -}}
{{- end -}}
{{- if $scaling.warm -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.warm" $path) "got" (keys $scaling.warm | sortAlpha) "want" "no window for a model that may go to zero, or minReplicas 1") -}}
{{- end -}}
{{- end -}}

{{- /* The blind floor. Arguments: (dict "path" text "scaling" map "to" problems). */ -}}
{{- define "llm-serving.validate.scaling.floor" -}}
{{- $floor := .scaling.fallback.replicas -}}
{{- if and (not (kindIs "invalid" $floor)) (gt (int $floor) (int .scaling.maxReplicas)) -}}
{{- include "llm-serving.problem" (dict "to" .to "path" (printf "%s.scaling.fallback.replicas" .path) "got" $floor "want" (printf "at most maxReplicas, %v" .scaling.maxReplicas)) -}}
{{- end -}}
{{- end -}}
