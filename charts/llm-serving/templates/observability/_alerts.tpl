{{- /*
files/alerts, a group per file, without the disabled ones and with labels, severity and runbook on each.
Arguments: (dict "root" root "into" {groups}). Prints nothing.
*/ -}}
{{- define "llm-serving.observability.alerts" -}}
{{- $root := .root -}}
{{- $into := .into -}}
{{- $given := $root.Values.observability.alerts -}}
{{- range $path, $_ := $root.Files.Glob "files/alerts/*.yaml" -}}
{{- $text := include "llm-serving.observability.text" (dict "root" $root "text" ($root.Files.Get $path)) -}}
{{- $rules := list -}}
{{- range $name, $alert := $text | fromYaml -}}
{{- $wanted := include "llm-serving.observability.needed" (dict "root" $root "needs" $alert.needs) -}}
{{- if and $wanted (not (get $given.disabled $name)) -}}
{{- $labels := dict "severity" $alert.severity -}}
{{- include "llm-serving.merge" (dict "into" $labels "over" $given.labels) -}}
{{- $rule := dict "alert" $name "expr" $alert.expr "labels" $labels -}}
{{- with $alert.for -}}
{{- $_ := set $rule "for" . -}}
{{- end -}}
{{- $_ := set $rule "annotations" (dict
  "summary" $alert.summary
  "description" $alert.description
  "runbook_url" (printf "%s/%s.md" $given.runbookUrl $name)) -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- end -}}
{{- if $rules -}}
{{- $group := printf "llm-serving.alerts.%s" (base $path | trimSuffix ".yaml") -}}
{{- $_ := set $into "groups" (append $into.groups (dict "name" $group "rules" $rules)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
