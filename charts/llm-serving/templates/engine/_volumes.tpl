{{- /*
Volumes of an engine's pod, as YAML. Argument: engine. The root file system is read-only, so everything the engine writes is here.
*/ -}}
{{- define "llm-serving.engine.volumes" -}}
{{- $config := .config -}}
{{- $weights := $config.weights -}}
- name: shared-memory
  emptyDir:
    medium: Memory
    sizeLimit: {{ $config.sharedMemory.size | quote }}
- name: tmp
  emptyDir: {}
- name: home
  emptyDir: {}
- name: cache
  {{- if $config.cache.volume }}
  persistentVolumeClaim:
    claimName: {{ include "llm-serving.claimName" (dict "root" .root "volume" $config.cache.volume) | quote }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ $config.cache.sizeLimit | quote }}
  {{- end }}
{{- if $weights.volume }}
- name: weights
  persistentVolumeClaim:
    claimName: {{ include "llm-serving.claimName" (dict "root" .root "volume" $weights.volume.name) | quote }}
    readOnly: true
{{- else if $weights.image }}
- name: weights
  image:
    reference: {{ $weights.image.reference | quote }}
    pullPolicy: IfNotPresent
{{- end }}
{{- with $config.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* Mounts of the engine's container, as YAML. Argument: engine. */ -}}
{{- define "llm-serving.engine.volumeMounts" -}}
{{- $directories := .surface.directories -}}
- name: shared-memory
  mountPath: {{ $directories.sharedMemory }}
- name: tmp
  mountPath: {{ $directories.tmp }}
- name: home
  mountPath: {{ $directories.home }}
- name: cache
  mountPath: {{ $directories.cache }}
{{- if or .config.weights.volume .config.weights.image }}
- name: weights
  mountPath: {{ $directories.weights }}
  readOnly: true
{{- end }}
{{- with .config.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}
