{{- /*
One of files/dashboards as this release's own: what Grafana and its sidecar must not find twice carries namespace and release, and the
variables begin at them. Arguments: (dict "root" root "text" JSON). Prints JSON.
*/ -}}
{{- define "llm-serving.observability.dashboard" -}}
{{- $page := fromJson .text -}}
{{- $namespace := .root.Release.Namespace -}}
{{- $release := include "llm-serving.metric.release" .root -}}
{{- $of := printf "%s/%s" $namespace $release -}}
{{- /* Grafana allows 40 characters. */ -}}
{{- $_ := set $page "uid" (printf "%s-%s" $page.uid (sha256sum $of | trunc 12)) -}}
{{- $_ := set $page "title" (printf "%s (%s)" $page.title $of) -}}
{{- $tags := append $page.tags $of -}}
{{- $_ := set $page "tags" $tags -}}
{{- range $page.links -}}
{{- $_ := set . "tags" $tags -}}
{{- end -}}
{{- $current := dict "namespace" $namespace "release" $release -}}
{{- range $page.templating.list -}}
{{- if hasKey $current .name -}}
{{- $value := get $current .name -}}
{{- $_ := set . "current" (dict "text" $value "value" $value) -}}
{{- end -}}
{{- end -}}
{{- $page | toPrettyJson -}}
{{- end -}}
