{{- /* GET on the second port. Arguments: (dict "gateway" gateway "path" text). */ -}}
{{- define "llm-serving.gateway.check" -}}
httpGet:
  path: {{ .path }}
  port: {{ .gateway.surface.ports.admin.name }}
{{- end -}}

{{- /*
The gateway's container, without its name. Liveness fails only where the event loop stands still; readiness does not ask for engines,
because a client is told better by an answer than by a closed port. Argument: gateway.
*/ -}}
{{- define "llm-serving.gateway.container" -}}
{{- $probes := .values.probes -}}
image: {{ include "llm-serving.gateway.image" . | quote }}
imagePullPolicy: {{ .values.image.pullPolicy }}
command: {{ toJson .surface.command }}
args:
  - {{ .surface.configOption }}
  - {{ printf "%s/%s" .surface.directories.config .surface.configFile }}
{{- with .values.env }}
env:
  {{- range $name, $value := . }}
  {{- if not (kindIs "invalid" $value) }}
  - name: {{ $name }}
    value: {{ $value | quote }}
  {{- end }}
  {{- end }}
{{- end }}
ports:
  {{- range .surface.ports }}
  - name: {{ .name }}
    containerPort: {{ .number }}
    protocol: TCP
  {{- end }}
startupProbe:
  {{- include "llm-serving.gateway.check" (dict "gateway" . "path" .surface.paths.live) | nindent 2 }}
  {{- include "llm-serving.probeTiming" $probes.startup | nindent 2 }}
readinessProbe:
  {{- include "llm-serving.gateway.check" (dict "gateway" . "path" .surface.paths.ready) | nindent 2 }}
  {{- include "llm-serving.probeTiming" $probes.readiness | nindent 2 }}
livenessProbe:
  {{- include "llm-serving.gateway.check" (dict "gateway" . "path" .surface.paths.live) | nindent 2 }}
  {{- include "llm-serving.probeTiming" $probes.liveness | nindent 2 }}
lifecycle:
  preStop:
    sleep:
      seconds: {{ int .values.shutdown.preStopSeconds }}
resources:
  {{- toYaml .values.resources | nindent 2 }}
securityContext:
  {{- toYaml .values.securityContext | nindent 2 }}
volumeMounts:
  {{- include "llm-serving.gateway.volumeMounts" . | nindent 2 }}
{{- end -}}
