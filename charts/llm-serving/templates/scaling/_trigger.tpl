{{- /* One trigger of KEDA on Prometheus. Arguments: (dict "root" root "signal" signal). */ -}}
{{- define "llm-serving.scaling.trigger" -}}
{{- $prometheus := .root.Values.prometheus -}}
type: prometheus
name: {{ .signal.name }}
metricType: {{ .signal.kind }}
metadata:
  serverAddress: {{ $prometheus.address | quote }}
  threshold: {{ toString .signal.target | quote }}
  {{- /* No answer is no zero: without this a scaler that is blind removes engines. */}}
  ignoreNullValues: "false"
  query: {{ .signal.query | quote }}
  {{- if eq .signal.name "demand" }}
  {{- /* Any request wakes a model at zero. */}}
  activationThreshold: "0"
  {{- end }}
  {{- with $prometheus.authentication.modes }}
  authModes: {{ . | quote }}
  {{- end }}
{{- with $prometheus.authentication.name }}
authenticationRef:
  name: {{ . }}
{{- end }}
{{- end -}}
