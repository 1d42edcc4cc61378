{{- /* One line for each setting of an engine that is allowed and risky. Argument: engine. */ -}}
{{- define "llm-serving.notes.warnings" -}}
{{- $config := .config -}}
{{- $scaling := $config.scaling -}}
{{- $hub := default dict $config.weights.hub -}}
{{- if and (not $config.strategy.surge) (le (int $scaling.minReplicas) 1) }}
    WARNING: strategy.surge is false with one engine: an upgrade of this revision is an outage of one load
{{- end }}
{{- if and $hub (not (regexMatch "^[0-9a-f]{40}$" (toString $hub.revision))) }}
    WARNING: weights.hub.revision {{ $hub.revision | quote }} is no commit: it may change between two starts
{{- end }}
{{- if not $config.image.digest }}
    note: the image is named by tag; image.digest makes it immutable
{{- end }}
{{- if $config.probes.hang.restart }}
    WARNING: probes.hang.restart is on: a request slower than {{ int $config.probes.hang.afterSeconds }} s to its first token restarts the engine
{{- end }}
{{- range $key := list "extraArgs" "extraEnv" "extraEnvFrom" "extraVolumes" "initContainers" "extraContainers" }}
{{- if get $config $key }}
    note: {{ $key }} is set; the chart does not check what is in it
{{- end }}
{{- end }}
{{- end -}}
