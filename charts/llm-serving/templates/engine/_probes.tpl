{{- /* GET of the health path. Argument: engine. */ -}}
{{- define "llm-serving.engine.healthCheck" -}}
httpGet:
  path: {{ .surface.paths.health }}
  port: {{ .surface.port.name }}
{{- end -}}

{{- /* A check that also looks for progress. Argument: engine. */ -}}
{{- define "llm-serving.engine.hangCheck" -}}
{{- $surface := .surface -}}
{{- $command := list "python3" "-c" (regexReplaceAll "\n{2,}" (.root.Files.Get "files/hang.py") "\n")
  (printf "http://127.0.0.1:%v" $surface.port.number) $surface.paths.health $surface.paths.metrics
  (toString (int .config.probes.hang.afterSeconds))
  (printf "%s/hang.json" $surface.directories.tmp)
  $surface.progress.running -}}
exec:
  command:
    {{- concat $command $surface.progress.counters | toYaml | nindent 4 }}
{{- end -}}

{{- /*
The three probes, as YAML. Argument: engine. The port is closed until the engine is loaded, so startup waits for the whole load budget:
failureThreshold = ceil(budget / period), the only division. Liveness starts after it, and the kubelet stops it when a pod is told to stop.
*/ -}}
{{- define "llm-serving.engine.probes" -}}
{{- $probes := .config.probes -}}
{{- $period := int $probes.startup.periodSeconds -}}
startupProbe:
  {{- include "llm-serving.engine.healthCheck" . | nindent 2 }}
  periodSeconds: {{ $period }}
  timeoutSeconds: {{ int $probes.startup.timeoutSeconds }}
  failureThreshold: {{ div (sub (add .times.load $period) 1) $period }}
readinessProbe:
  {{- include "llm-serving.engine.healthCheck" . | nindent 2 }}
  {{- include "llm-serving.probeTiming" $probes.readiness | nindent 2 }}
livenessProbe:
  {{- if $probes.hang.restart }}
  {{- include "llm-serving.engine.hangCheck" . | nindent 2 }}
  {{- else }}
  {{- include "llm-serving.engine.healthCheck" . | nindent 2 }}
  {{- end }}
  {{- include "llm-serving.probeTiming" $probes.liveness | nindent 2 }}
{{- end -}}

{{- /* Argument: {periodSeconds, timeoutSeconds, failureThreshold}. */ -}}
{{- define "llm-serving.probeTiming" -}}
periodSeconds: {{ int .periodSeconds }}
timeoutSeconds: {{ int .timeoutSeconds }}
failureThreshold: {{ int .failureThreshold }}
{{- end -}}
