{{- /* Who watches the release, and what nobody watches. Arguments: (dict "root" root "models" list). */ -}}
{{- define "llm-serving.notes.observability" -}}
{{- $root := .root -}}
{{- $given := $root.Values.observability -}}
{{- $rules := include "llm-serving.objectName" (dict "root" $root "suffix" "rules") }}
{{- if not $given.enabled }}
note:      observability.enabled is false: nothing is scraped, and no alert says when this is down
{{- else }}
Watch:     {{ if eq $given.discovery "operator" }}PodMonitors, and the PrometheusRule{{ else }}pods are annotated for scraping; rule_files of your Prometheus need the ConfigMap{{ end }} {{ $rules }}
{{- if $given.dashboards.enabled }}; dashboards in Grafana's folder {{ $given.dashboards.folder | quote }}{{ end }}
{{- range .models }}
{{- if not .values.targets.ttftSeconds }}
note:      {{ .path }}.targets.ttftSeconds is not set: no alert says when its first tokens are late
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
