{{- /*
The annotations by which a Prometheus without operator finds a pod, into the given map; nothing while PodMonitors do that.
Arguments: (dict "root" root "port" number "path" text "into" map). Prints nothing.
*/ -}}
{{- define "llm-serving.observability.scrape" -}}
{{- $given := .root.Values.observability -}}
{{- if and $given.enabled (eq $given.discovery "annotations") -}}
{{- $_ := set .into "prometheus.io/scrape" "true" -}}
{{- $_ := set .into "prometheus.io/port" (toString .port) -}}
{{- $_ := set .into "prometheus.io/path" .path -}}
{{- end -}}
{{- end -}}
