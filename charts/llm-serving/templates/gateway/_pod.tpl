{{- /* The gateway's image; an empty tag follows the chart's version. Argument: gateway. */ -}}
{{- define "llm-serving.gateway.image" -}}
{{- $image := dict -}}
{{- include "llm-serving.merge" (dict "into" $image "over" .values.image) -}}
{{- if not $image.tag -}}
{{- $_ := set $image "tag" .root.Chart.Version -}}
{{- end -}}
{{- include "llm-serving.image" (dict "root" .root "image" $image) -}}
{{- end -}}

{{- /*
Metadata of a gateway pod. The annotation covers the parts of the configuration that are read once, at the start; everything else is
followed, so a change of a weight, a tenant or a rule restarts nothing. Argument: gateway.
*/ -}}
{{- define "llm-serving.gateway.podMetadata" -}}
{{- $labels := dict -}}
{{- if eq .root.Values.traffic.provider "gateway" -}}
{{- $_ := set $labels "sidecar.istio.io/inject" "false" -}}
{{- end -}}
{{- include "llm-serving.merge" (dict "into" $labels "over" .root.Values.commonLabels) -}}
{{- include "llm-serving.merge" (dict "into" $labels "over" .values.podLabels) -}}
{{- include "llm-serving.merge" (dict "into" $labels "over" .selector) -}}
{{- $annotations := dict "llmgen.dev/read-at-start" (pick .file "server" "provider" | toJson | sha256sum) -}}
{{- include "llm-serving.observability.scrape" (dict "root" .root "port" .surface.ports.admin.number "path" .surface.paths.metrics "into" $annotations) -}}
{{- include "llm-serving.merge" (dict "into" $annotations "over" .values.podAnnotations) -}}
labels:
  {{- toYaml $labels | nindent 2 }}
annotations:
  {{- toYaml $annotations | nindent 2 }}
{{- end -}}

{{- /* Spec of a gateway pod. Argument: gateway. */ -}}
{{- define "llm-serving.gateway.podSpec" -}}
{{- $given := .values -}}
serviceAccountName: {{ include "llm-serving.gateway.serviceAccountName" . | quote }}
{{- /* The one pod of the release that asks the API server. */}}
automountServiceAccountToken: true
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .times.grace }}
{{- with $given.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with include "llm-serving.imagePullSecrets" .root }}
{{ . }}
{{- end }}
securityContext:
  {{- toYaml $given.podSecurityContext | nindent 2 }}
{{- include "llm-serving.gateway.placement" . }}
{{- with include "llm-serving.gateway.initContainers" . }}
initContainers:
  {{- . | nindent 2 }}
{{- end }}
containers:
  - name: gateway
    {{- include "llm-serving.gateway.container" . | nindent 4 }}
volumes:
  {{- include "llm-serving.gateway.volumes" . | nindent 2 }}
{{- end -}}
