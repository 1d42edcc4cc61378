{{- /* Who decides the size of one thing. Arguments: (dict "root" root "name" text "scaling" map "unit" text). */ -}}
{{- define "llm-serving.notes.scaling" -}}
{{- $scaling := .scaling -}}
{{- $least := int $scaling.minReplicas -}}
{{- $most := int $scaling.maxReplicas -}}
{{- if eq $scaling.autoscaler "none" -}}
{{ $least }} {{ .unit }}, a fixed size: autoscaler is none{{ if gt $most $least }}, whatever maxReplicas says{{ end }}
{{- else if eq $scaling.autoscaler "external" -}}
as many {{ .unit }} as somebody else decides
{{- else if eq $scaling.autoscaler "hpa" -}}
{{ $least }} to {{ $most }} {{ .unit }} by a HorizontalPodAutoscaler, once prometheus-adapter has the rules of configmap/{{ include "llm-serving.objectName" (dict "root" .root "suffix" "metrics-adapter") }}
{{- else -}}
{{ $least }} to {{ $most }} {{ .unit }} by KEDA: kubectl --namespace {{ .root.Release.Namespace }} get scaledobject {{ .name }}
{{- end -}}
{{- end -}}
