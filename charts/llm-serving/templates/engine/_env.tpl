{{- /*
A variable from a Secret as an environment entry. Arguments: (dict "name" text "from" {name, key}). Prints JSON.
*/ -}}
{{- define "llm-serving.secretEnv" -}}
{{- dict "name" .name "valueFrom" (dict "secretKeyRef" (dict "name" .from.name "key" .from.key)) | toJson -}}
{{- end -}}

{{- /*
Variables taken from Secrets, keyed by name, on the given map. Arguments: (dict "engine" engine "into" map). Prints nothing.
*/ -}}
{{- define "llm-serving.engine.secrets" -}}
{{- $into := .into -}}
{{- $config := .engine.config -}}
{{- $names := .engine.surface.env.names -}}
{{- if (default dict $config.apiKey).name -}}
{{- $_ := set $into $names.apiKey $config.apiKey -}}
{{- end -}}
{{- with dig "hub" "token" dict $config.weights -}}
{{- if .name -}}
{{- $_ := set $into $names.hubToken . -}}
{{- end -}}
{{- end -}}
{{- with dig "uri" "credentialsSecret" "" $config.weights -}}
{{- $_ := set $into $names.storeAccessKey (dict "name" . "key" $names.storeAccessKey) -}}
{{- $_ := set $into $names.storeSecretKey (dict "name" . "key" $names.storeSecretKey) -}}
{{- end -}}
{{- range $name, $from := $config.secretEnv -}}
{{- if $from.name -}}
{{- $_ := set $into $name $from -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
The engine's environment, as YAML: one entry per name, sorted, then extraEnv in its own order. Later wins, duplicates cannot be:
chart < env < Secrets < extraEnv. Argument: engine.
*/ -}}
{{- define "llm-serving.engine.env" -}}
{{- $config := .config -}}
{{- $env := .surface.env -}}
{{- $plain := dict -}}
{{- include "llm-serving.merge" (dict "into" $plain "over" $env.always) -}}
{{- $_ := set $plain $env.names.readyTimeout (toString .times.load) -}}
{{- if not (or $config.weights.hub $config.weights.uri) -}}
{{- include "llm-serving.merge" (dict "into" $plain "over" $env.offline) -}}
{{- end -}}
{{- if gt (int (include "llm-serving.engine.gpus" .)) 1 -}}
{{- include "llm-serving.merge" (dict "into" $plain "over" $env.multiGpu) -}}
{{- end -}}
{{- with dig "uri" "endpoint" "" $config.weights -}}
{{- $_ := set $plain $env.names.storeEndpoint . -}}
{{- end -}}
{{- with default dict $config.tracing -}}
{{- if .endpoint -}}
{{- with .protocol }}{{- $_ := set $plain $env.names.tracesProtocol . -}}{{- end -}}
{{- $_ := set $plain $env.names.tracesService $.name -}}
{{- end -}}
{{- end -}}
{{- include "llm-serving.merge" (dict "into" $plain "over" $config.env) -}}
{{- $secrets := dict -}}
{{- include "llm-serving.engine.secrets" (dict "engine" . "into" $secrets) -}}
{{- $raw := dict -}}
{{- range $config.extraEnv -}}
{{- $_ := set $raw .name true -}}
{{- end -}}
{{- $entries := list -}}
{{- range $name := concat (keys $plain) (keys $secrets) | uniq | sortAlpha -}}
{{- if hasKey $raw $name -}}
{{- else if hasKey $secrets $name -}}
{{- $entries = append $entries (include "llm-serving.secretEnv" (dict "name" $name "from" (get $secrets $name)) | fromJson) -}}
{{- else -}}
{{- $entries = append $entries (dict "name" $name "value" (get $plain $name)) -}}
{{- end -}}
{{- end -}}
{{- concat $entries $config.extraEnv | toYaml -}}
{{- end -}}
