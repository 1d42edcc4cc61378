{{- /*
An image reference; a digest wins over the tag, global.imageRegistry over the registry.
Arguments: (dict "root" root "image" image), image being {registry, repository, tag, digest}; an empty tag follows the appVersion.
*/ -}}
{{- define "llm-serving.image" -}}
{{- $registry := default .image.registry .root.Values.global.imageRegistry -}}
{{- $name := ternary (printf "%s/%s" $registry .image.repository) .image.repository (ne $registry "") -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $name .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default (printf "v%s" .root.Chart.AppVersion) .image.tag) -}}
{{- end -}}
{{- end -}}

{{- /* Pull secrets of a pod, or nothing. Argument: root. */ -}}
{{- define "llm-serving.imagePullSecrets" -}}
{{- $names := concat (default list .Values.global.imagePullSecrets) .Values.imagePullSecrets | uniq -}}
{{- if $names -}}
imagePullSecrets:
{{- range $names }}
  - name: {{ . | quote }}
{{- end }}
{{- end -}}
{{- end -}}
