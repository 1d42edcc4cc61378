{{- /*
Where each revision's tokenizer is, on the gateway as `tokenizers`. Every revision's, not only the stable one's: a track that moves then
changes the configuration alone and restarts no gateway. Files come from the hub (by the init container), or from a volume that pods on
any node can mount; where there are neither, prompt tokens are estimates. Argument: gateway. Prints nothing.
*/ -}}
{{- define "llm-serving.gateway.tokenizers" -}}
{{- $gateway := . -}}
{{- $found := dict "paths" dict "fetches" list "env" list "volumes" dict -}}
{{- range $engine := .engines -}}
{{- $config := $engine.config -}}
{{- $target := printf "%s/%s" $engine.model.key $engine.revision -}}
{{- $hub := default $config.weights.hub $config.tokenizer.hub -}}
{{- if $hub -}}
{{- $source := printf "%s=%s@%s" $target $hub.repo $hub.revision -}}
{{- if (default dict $hub.token).name -}}
{{- $variable := printf "TOKEN_%d" (len $found.env) -}}
{{- $entry := include "llm-serving.secretEnv" (dict "name" $variable "from" $hub.token) | fromJson -}}
{{- $_ := set $found "env" (append $found.env $entry) -}}
{{- $source = printf "%s#%s" $source $variable -}}
{{- end -}}
{{- $_ := set $found "fetches" (append $found.fetches $source) -}}
{{- $_ := set $found.paths $target (printf "%s/%s" $gateway.surface.directories.tokenizers $target) -}}
{{- else if $config.weights.volume -}}
{{- $name := $config.weights.volume.name -}}
{{- $volume := get $gateway.root.Values.volumes $name -}}
{{- if and (not $volume.local) (hasSuffix "Many" (default "ReadWriteMany" $volume.accessMode)) -}}
{{- $_ := set $found.volumes $name true -}}
{{- $path := printf "%s/%s/%s" $gateway.surface.directories.weights $name $config.weights.volume.path -}}
{{- $_ := set $found.paths $target (trimSuffix "/" $path) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $_ := set . "tokenizers" $found -}}
{{- end -}}

{{- /* The init container that fetches tokenizers, as a list, or nothing. Argument: gateway. */ -}}
{{- define "llm-serving.gateway.initContainers" -}}
{{- if .tokenizers.fetches -}}
- name: tokenizers
  image: {{ include "llm-serving.gateway.image" . | quote }}
  imagePullPolicy: {{ .values.image.pullPolicy }}
  command: {{ toJson .surface.fetch }}
  args:
    - {{ .surface.directories.tokenizers }}
    {{- toYaml .tokenizers.fetches | nindent 4 }}
  env:
    - name: {{ .surface.hubEndpointVariable }}
      value: {{ .values.hubEndpoint | quote }}
    {{- with .tokenizers.env }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  resources:
    {{- toYaml .values.resources | nindent 4 }}
  securityContext:
    {{- toYaml .values.securityContext | nindent 4 }}
  volumeMounts:
    - name: tokenizers
      mountPath: {{ .surface.directories.tokenizers }}
    - name: tmp
      mountPath: {{ .surface.directories.tmp }}
{{- end -}}
{{- end -}}
