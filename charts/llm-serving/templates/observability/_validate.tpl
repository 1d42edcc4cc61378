{{- /* Alerts that are switched off have to be there. Arguments: (dict "all" {root, models, engines} "to" problems). */ -}}
{{- define "llm-serving.validate.observability" -}}
{{- $root := .all.root -}}
{{- $to := .to -}}
{{- with $root.Values.observability.alerts.disabled -}}
{{- $known := dict -}}
{{- range $path, $_ := $root.Files.Glob "files/alerts/*.yaml" -}}
{{- range regexFindAll "(?m)^LLM[A-Za-z]+" ($root.Files.Get $path) -1 -}}
{{- $_ := set $known . true -}}
{{- end -}}
{{- end -}}
{{- range $name, $off := . -}}
{{- if not (hasKey $known $name) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "observability.alerts.disabled.%s" $name) "saw" "no alert of this name" "want" (keys $known | sortAlpha | join ", ")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
