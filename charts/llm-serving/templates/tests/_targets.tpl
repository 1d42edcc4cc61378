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

{{- /*
Adds the gateway to the script: with a key, or for everybody where it is open, its list of models; otherwise its refusal, which only a
gateway that runs can give. Arguments: (dict "root" root "into" {args, env}).
*/ -}}
{{- define "llm-serving.test.gateway" -}}
{{- $gateway := dict -}}
{{- include "llm-serving.gateway" (dict "root" .root "into" $gateway) -}}
{{- $surface := $gateway.surface -}}
{{- $key := default dict .root.Values.helmTest.gatewayKey -}}
{{- $variable := "NO_KEY" -}}
{{- $wanted := ternary $surface.answers.list $surface.answers.refusal (ne $gateway.values.anonymous "") -}}
{{- if $key.name -}}
{{- $variable = "GATEWAY_KEY" -}}
{{- $wanted = $surface.answers.list -}}
{{- $entry := include "llm-serving.secretEnv" (dict "name" $variable "from" $key) | fromJson -}}
{{- $_ := set .into "env" (append .into.env $entry) -}}
{{- end -}}
{{- $url := printf "http://%s:%v%s" $gateway.name $surface.ports.api.number $surface.paths.models -}}
{{- $_ := set .into "args" (concat .into.args (list $url $wanted $variable)) -}}
{{- end -}}
