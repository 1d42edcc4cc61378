{{- /*
Adds one revision to the script: URL, served name and the variable with its key. Arguments: (dict "engine" engine "into" {args, env}).
*/ -}}
{{- define "llm-serving.test.target" -}}
{{- $engine := .engine -}}
{{- $key := default dict $engine.config.apiKey -}}
{{- $variable := "NO_KEY" -}}
{{- if $key.name -}}
{{- $variable = printf "KEY_%d" (len .into.env) -}}
{{- $entry := include "llm-serving.secretEnv" (dict "name" $variable "from" $key) | fromJson -}}
{{- $_ := set .into "env" (append .into.env $entry) -}}
{{- end -}}
{{- $url := printf "http://%s:%v%s" $engine.name $engine.surface.port.number $engine.surface.paths.models -}}
{{- $served := default $engine.model.key $engine.model.values.servedName -}}
{{- $_ := set .into "args" (concat .into.args (list $url $served $variable)) -}}
{{- end -}}
