{{- /*
One command line argument per flag, sorted, as a list under `args` of the given map: true -> --flag, false -> --no-flag,
null -> nothing, string -> --flag=text, everything else as JSON (numbers keep their digits).
Arguments: (dict "flags" map "into" map). Prints nothing.
*/ -}}
{{- define "llm-serving.flags" -}}
{{- $args := list -}}
{{- range $flag, $value := .flags -}}
{{- if kindIs "invalid" $value -}}
{{- else if kindIs "bool" $value -}}
{{- $args = append $args (printf "--%s%s" (ternary "" "no-" $value) $flag) -}}
{{- else if kindIs "string" $value -}}
{{- $args = append $args (printf "--%s=%s" $flag $value) -}}
{{- else -}}
{{- $args = append $args (printf "--%s=%s" $flag (mustToRawJson $value)) -}}
{{- end -}}
{{- end -}}
{{- $_ := set .into "args" $args -}}
{{- end -}}

{{- /* Where the engine finds its weights: the model argument. Argument: engine. */ -}}
{{- define "llm-serving.engine.source" -}}
{{- $weights := .config.weights -}}
{{- $directory := .surface.directories.weights -}}
{{- if $weights.hub -}}
{{- $weights.hub.repo -}}
{{- else if $weights.uri -}}
{{- $weights.uri.value -}}
{{- else -}}
{{- printf "%s/%s" $directory (default $weights.volume $weights.image).path | trimSuffix "/" -}}
{{- end -}}
{{- end -}}

{{- /* The engine's arguments, as YAML. Argument: engine. */ -}}
{{- define "llm-serving.engine.args" -}}
{{- $model := .model.values -}}
{{- $names := list (default .model.key $model.servedName) -}}
{{- range $alias, $on := $model.aliases -}}
{{- if $on -}}
{{- $names = append $names $alias -}}
{{- end -}}
{{- end -}}
{{- $flags := dict -}}
{{- include "llm-serving.merge" (dict "into" $flags "over" .surface.defaults.all) -}}
{{- include "llm-serving.merge" (dict "into" $flags "over" (get .surface.defaults $model.kind)) -}}
{{- $intents := include "llm-serving.engine.intents" . | fromJson -}}
{{- range $intent, $entry := .surface.intents -}}
{{- with get $intents $intent -}}
{{- $_ := set $flags $entry.flag . -}}
{{- end -}}
{{- end -}}
{{- range $flag, $value := .config.flags -}}
{{- $_ := set $flags (replace "_" "-" $flag) $value -}}
{{- end -}}
{{- $rendered := dict -}}
{{- include "llm-serving.flags" (dict "flags" $flags "into" $rendered) -}}
{{- $head := concat (list (include "llm-serving.engine.source" .) (printf "--%s" .surface.intents.servedNames.flag)) $names -}}
{{- concat $head $rendered.args .config.extraArgs | toYaml -}}
{{- end -}}
