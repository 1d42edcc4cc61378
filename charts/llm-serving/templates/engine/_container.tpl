{{- /* The engine's container, without its name. Argument: engine. */ -}}
{{- define "llm-serving.engine.container" -}}
image: {{ include "llm-serving.image" (dict "root" .root "image" .config.image) | quote }}
imagePullPolicy: {{ .config.image.pullPolicy }}
command: {{ toJson .surface.command }}
args:
  {{- include "llm-serving.engine.args" . | nindent 2 }}
env:
  {{- include "llm-serving.engine.env" . | nindent 2 }}
{{- with .config.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - name: {{ .surface.port.name }}
    containerPort: {{ .surface.port.number }}
    protocol: TCP
{{ include "llm-serving.engine.probes" . }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ .times.preStop }}
resources:
  {{- include "llm-serving.engine.resources" . | nindent 2 }}
securityContext:
  {{- toYaml .config.securityContext | nindent 2 }}
volumeMounts:
  {{- include "llm-serving.engine.volumeMounts" . | nindent 2 }}
{{- end -}}
