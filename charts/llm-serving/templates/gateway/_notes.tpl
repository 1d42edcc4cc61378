{{- /* How to reach the gateway, and what about it is allowed and risky. Argument: root. */ -}}
{{- define "llm-serving.notes.gateway" -}}
{{- $gateway := dict -}}
{{- include "llm-serving.gateway" (dict "root" . "into" $gateway) -}}
{{- $given := $gateway.values -}}
{{- $exposure := $given.exposure -}}
{{- $port := $gateway.surface.ports.api.number -}}
{{- $base := dir $gateway.surface.paths.models }}
Gateway:   http://{{ $gateway.name }}.{{ .Release.Namespace }}:{{ $port }}{{ $base }}
{{- if ne $exposure.kind "none" }}, and {{ ternary "http" "https" (and (eq $exposure.kind "istio") (not $exposure.tlsSecret)) }}://{{ $exposure.host }}{{ $base }} from outside{{ end }}
           kubectl --namespace {{ .Release.Namespace }} port-forward service/{{ $gateway.name }} {{ $port }}
Key:       llmgen key new   prints a key for a client, and its hash for tenants.NAME.keys.NAME.sha256 or a Secret
Brake:     kubectl --namespace {{ .Release.Namespace }} create configmap {{ $gateway.brake }}   sends all traffic to stable; delete it to let go
{{- if not (or .Values.tenants $given.jwt.issuer) }}
WARNING:   there are no tenants: the gateway refuses every request
{{- end }}
{{- with $given.anonymous }}
WARNING:   gateway.anonymous: requests without a key act as tenant {{ . }}
{{- end }}
{{- $most := include "llm-serving.gateway.mostPods" $gateway | int }}
{{- if and (eq $given.limitStore.kind "memory") (gt $most 1) }}
note:      gateway.limitStore.kind is memory: each of {{ if ne $given.scaling.autoscaler "none" }}up to {{ end }}{{ $most }} pods grants its share of a limit
{{- end }}
           {{ include "llm-serving.notes.scaling" (dict "root" . "name" $gateway.name "scaling" $given.scaling "unit" "pods") }}
{{- range $engine := $gateway.engines }}
{{- if not (hasKey $gateway.tokenizers.paths (printf "%s/%s" $engine.model.key $engine.revision)) }}
note:      {{ $engine.path }}.tokenizer is not set and its weights are out of reach: prompt tokens are estimates
{{- end }}
{{- end }}
{{- end -}}
