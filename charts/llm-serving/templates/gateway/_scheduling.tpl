{{- /*
Where gateway pods run, each line preceded by a line break: spread softly over zones and nodes, so that one node still holds all of them.
Argument: gateway.
*/ -}}
{{- define "llm-serving.gateway.placement" -}}
{{- $given := .values -}}
{{- $selector := .selector -}}
{{- with $given.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $given.tolerations }}
tolerations:
  {{- range $key, $toleration := . }}
  {{- if $toleration }}
  {{- list (merge (dict "key" $key) $toleration) | toYaml | nindent 2 }}
  {{- end }}
  {{- end }}
{{- end }}
{{- with $given.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels:
        {{- toYaml $selector | nindent 8 }}
{{- end }}
{{- end -}}
