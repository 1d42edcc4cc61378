{{- /* Volumes of a gateway pod, as YAML. Argument: gateway. */ -}}
{{- define "llm-serving.gateway.volumes" -}}
{{- $root := .root -}}
- name: config
  configMap:
    name: {{ .name | quote }}
- name: tmp
  emptyDir: {}
{{- with .secrets }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- toYaml . | nindent 6 }}
{{- end }}
{{- if .tokenizers.fetches }}
- name: tokenizers
  emptyDir: {}
{{- end }}
{{- range $volume, $_ := .tokenizers.volumes }}
- name: {{ printf "weights-%s" $volume }}
  persistentVolumeClaim:
    claimName: {{ include "llm-serving.claimName" (dict "root" $root "volume" $volume) | quote }}
    readOnly: true
{{- end }}
{{- end -}}

{{- /* Mounts of the gateway's container, all read-only but /tmp, as YAML. Argument: gateway. */ -}}
{{- define "llm-serving.gateway.volumeMounts" -}}
{{- $directories := .surface.directories -}}
- name: config
  mountPath: {{ $directories.config }}
  readOnly: true
- name: tmp
  mountPath: {{ $directories.tmp }}
{{- if .secrets }}
- name: secrets
  mountPath: {{ $directories.secrets }}
  readOnly: true
{{- end }}
{{- if .tokenizers.fetches }}
- name: tokenizers
  mountPath: {{ $directories.tokenizers }}
  readOnly: true
{{- end }}
{{- range $volume, $_ := .tokenizers.volumes }}
- name: {{ printf "weights-%s" $volume }}
  mountPath: {{ printf "%s/%s" $directories.weights $volume }}
  readOnly: true
{{- end }}
{{- end -}}
