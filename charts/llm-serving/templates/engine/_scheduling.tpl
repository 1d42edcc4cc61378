{{- /* GPUs of one engine: tensor × pipeline, 0 without a GPU resource. Argument: engine. */ -}}
{{- define "llm-serving.engine.gpus" -}}
{{- if .config.gpu.resource -}}
{{- mul (int .config.parallelism.tensor) (int .config.parallelism.pipeline) -}}
{{- else -}}
0
{{- end -}}
{{- end -}}

{{- /* Requests and limits with the GPUs in both, as YAML. Argument: engine. */ -}}
{{- define "llm-serving.engine.resources" -}}
{{- $gpus := int (include "llm-serving.engine.gpus" .) -}}
{{- $resources := dict "requests" dict "limits" dict -}}
{{- include "llm-serving.merge" (dict "into" $resources "over" .config.resources) -}}
{{- if $gpus -}}
{{- $_ := set $resources.requests .config.gpu.resource $gpus -}}
{{- $_ := set $resources.limits .config.gpu.resource $gpus -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}

{{- /* Tolerations as a list, sorted by key. Argument: engine. */ -}}
{{- define "llm-serving.engine.tolerations" -}}
{{- $tolerations := list -}}
{{- range $key, $toleration := .config.gpu.tolerations -}}
{{- $tolerations = append $tolerations (merge (dict "key" $key) $toleration) -}}
{{- end -}}
{{- toYaml $tolerations -}}
{{- end -}}

{{- /*
Spread over zones and nodes, and away from the model's other revisions. Soft: a pool of one node still schedules every engine.
Argument: engine.
*/ -}}
{{- define "llm-serving.engine.placement" -}}
{{- $selector := .selector -}}
{{- if .config.affinity -}}
affinity:
  {{- toYaml .config.affinity | nindent 2 }}
{{- else -}}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 50
        podAffinityTerm:
          topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- omit $selector "llmgen.dev/revision" | toYaml | nindent 14 }}
{{- end }}
{{- if kindIs "slice" .config.topologySpreadConstraints }}
{{- with .config.topologySpreadConstraints }}
topologySpreadConstraints:
{{- range . }}
  {{- /* Without a selector a constraint counts no pod at all, which nobody means. */}}
  {{- $counted := default (dict "matchLabels" $selector) .labelSelector }}
  {{- list (merge (dict "labelSelector" $counted) .) | toYaml | nindent 2 }}
{{- end }}
{{- end }}
{{- else }}
topologySpreadConstraints:
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels:
        {{- toYaml $selector | nindent 8 }}
{{- end }}
{{- end }}
{{- end -}}
