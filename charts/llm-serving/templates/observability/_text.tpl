{{- /*
A text of files/rules.yaml or files/alerts with its words in angle brackets replaced, one pass over the whole file:
  <exporter.key>  a metric of files/metrics.yaml; <exporter.key_bucket>, _sum and _count for histograms
  <release> <namespace> <fullname>  this release, as label matchers and as a name
  <threshold.key> <slo.key>  values
Arguments: (dict "root" root "text" text). Fails for a word that is none of these.
*/ -}}
{{- define "llm-serving.observability.text" -}}
{{- $text := regexReplaceAll "(?m)^ *#.*$" .text "" -}}
{{- $root := .root -}}
{{- $given := $root.Values.observability -}}
{{- $words := dict
  "release" (include "llm-serving.metric.selector" (dict "root" $root))
  "namespace" (printf "namespace=%q" $root.Release.Namespace)
  "fullname" (include "llm-serving.fullname" $root) -}}
{{- range $key, $value := $given.alerts.thresholds -}}
{{- $_ := set $words (printf "threshold.%s" $key) (toString $value) -}}
{{- end -}}
{{- range $key, $value := $given.slos -}}
{{- $_ := set $words (printf "slo.%s" $key) (toString $value) -}}
{{- end -}}
{{- range $exporter, $metrics := omit (include "llm-serving.metrics" $root | fromJson) "labels" "scraped" "sources" -}}
{{- range $key, $metric := $metrics -}}
{{- $_ := set $words (printf "%s.%s" $exporter $key) $metric.name -}}
{{- if eq $metric.type "histogram" -}}
{{- range $part := list "bucket" "sum" "count" -}}
{{- $_ := set $words (printf "%s.%s_%s" $exporter $key $part) (printf "%s_%s" $metric.name $part) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range regexFindAll "<[a-z][A-Za-z]*(\\.[A-Za-z_]+)?>" $text -1 | uniq -}}
{{- $word := trimAll "<>" . -}}
{{- if hasKey $words $word -}}
{{- $text = replace . (get $words $word) $text -}}
{{- else if ne $word "window" -}}
{{- fail (printf "files/rules.yaml or files/alerts: nothing is called %s" .) -}}
{{- end -}}
{{- end -}}
{{- $text -}}
{{- end -}}

{{- /*
Whether a rule or group is for this release. Arguments: (dict "root" root "needs" text), needs being empty, gateway or noGateway.
Prints true or nothing.
*/ -}}
{{- define "llm-serving.observability.needed" -}}
{{- $gateway := .root.Values.gateway.enabled -}}
{{- if or (not .needs) (and (eq .needs "gateway") $gateway) (and (eq .needs "noGateway") (not $gateway)) -}}
true
{{- end -}}
{{- end -}}
