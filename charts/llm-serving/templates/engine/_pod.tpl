{{- /*
Metadata of an engine's pod. No version, chart or track here: an upgrade of the chart or a promotion must not restart an engine.
Argument: engine.
*/ -}}
{{- define "llm-serving.engine.podMetadata" -}}
{{- $labels := dict "sidecar.istio.io/inject" (toString .root.Values.traffic.mtls) -}}
{{- include "llm-serving.merge" (dict "into" $labels "over" .root.Values.commonLabels) -}}
{{- include "llm-serving.merge" (dict "into" $labels "over" .config.podLabels) -}}
{{- $_ := set $labels "llmgen.dev/class" .model.values.class -}}
{{- include "llm-serving.merge" (dict "into" $labels "over" .selector) -}}
{{- $annotations := dict -}}
{{- include "llm-serving.observability.scrape" (dict "root" .root "port" .surface.port.number "path" .surface.paths.metrics "into" $annotations) -}}
{{- include "llm-serving.merge" (dict "into" $annotations "over" .config.podAnnotations) -}}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Spec of an engine's pod. Argument: engine. */ -}}
{{- define "llm-serving.engine.podSpec" -}}
{{- $config := .config -}}
{{- $priority := include "llm-serving.priorityClassName" (dict "root" .root "class" .model.values.class) -}}
serviceAccountName: {{ include "llm-serving.serviceAccountName" .root | quote }}
automountServiceAccountToken: {{ .root.Values.serviceAccount.automountServiceAccountToken }}
{{- /* A Service called "vllm" would set VLLM_PORT, which the engine reads. */}}
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .times.grace }}
{{- with default $priority $config.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $config.schedulerName }}
schedulerName: {{ . | quote }}
{{- end }}
{{- with $config.gpu.runtimeClassName }}
runtimeClassName: {{ . | quote }}
{{- end }}
{{- with include "llm-serving.imagePullSecrets" .root }}
{{ . }}
{{- end }}
securityContext:
  {{- toYaml $config.podSecurityContext | nindent 2 }}
{{- with $config.gpu.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $config.gpu.tolerations }}
tolerations:
  {{- include "llm-serving.engine.tolerations" . | nindent 2 }}
{{- end }}
{{ include "llm-serving.engine.placement" . }}
{{- with $config.initContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: engine
    {{- include "llm-serving.engine.container" . | nindent 4 }}
  {{- with $config.extraContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumes:
  {{- include "llm-serving.engine.volumes" . | nindent 2 }}
{{- end -}}
