{{- /*
One file of one Secret as a source of the projected volume. Arguments: (dict "from" {name, key} "path" text). Prints JSON.
*/ -}}
{{- define "llm-serving.gateway.secretSource" -}}
{{- dict "secret" (dict "name" .from.name "items" (list (dict "key" .from.key "path" .path))) | toJson -}}
{{- end -}}

{{- /* The file that a Secret's key is mounted as. Arguments: (dict "gateway" gateway "path" text). */ -}}
{{- define "llm-serving.gateway.secretFile" -}}
{{- printf "%s/%s" .gateway.surface.directories.secrets .path -}}
{{- end -}}

{{- /* The key that a model's engines ask for, its stable revision's, as JSON; {} for none. Argument: (dict "gateway" "model"). */ -}}
{{- define "llm-serving.gateway.engineKey" -}}
{{- $found := dict -}}
{{- $model := .model -}}
{{- range .gateway.engines -}}
{{- if and (eq .model.key $model.key) (eq .revision $model.values.tracks.stable.revision) (default dict .config.apiKey).name -}}
{{- $found = .config.apiKey -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}

{{- /*
Secrets that the configuration names, on the gateway as `secrets`: files, so that a changed Secret is read without a restart.
Argument: gateway. Prints nothing.
*/ -}}
{{- define "llm-serving.gateway.secrets" -}}
{{- $gateway := . -}}
{{- $files := dict -}}
{{- range $tenant, $settings := .root.Values.tenants -}}
{{- range $key, $entry := (default dict $settings).keys -}}
{{- if $entry -}}
{{- if $entry.secret -}}
{{- $_ := set $files (printf "tenants/%s/%s" $tenant $key) $entry.secret -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $model := .models -}}
{{- with include "llm-serving.gateway.engineKey" (dict "gateway" $gateway "model" $model) | fromJson -}}
{{- $_ := set $files (printf "engines/%s" $model.key) . -}}
{{- end -}}
{{- end -}}
{{- with .values.limitStore.password -}}
{{- if .name -}}
{{- $_ := set $files "limit-store" . -}}
{{- end -}}
{{- end -}}
{{- $sources := list -}}
{{- range $path, $from := $files -}}
{{- $sources = append $sources (include "llm-serving.gateway.secretSource" (dict "from" $from "path" $path) | fromJson) -}}
{{- end -}}
{{- $_ := set . "secrets" $sources -}}
{{- end -}}
