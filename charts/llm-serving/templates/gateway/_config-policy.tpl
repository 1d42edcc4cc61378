{{- /*
Default model, aliases (the models' own), rules and fallback chains. Arguments: (dict "gateway" gateway "into" config). Prints nothing.
*/ -}}
{{- define "llm-serving.gateway.file.routing" -}}
{{- $given := .gateway.root.Values.routing -}}
{{- $routing := dict "aliases" dict "rules" dict "fallback" dict -}}
{{- if $given.default -}}
{{- $_ := set $routing "default" $given.default -}}
{{- end -}}
{{- range $model := .gateway.models -}}
{{- range $alias, $on := $model.values.aliases -}}
{{- if $on -}}
{{- $_ := set $routing.aliases $alias $model.key -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "llm-serving.merge" (dict "into" $routing.rules "over" $given.rules) -}}
{{- include "llm-serving.merge" (dict "into" $routing.fallback "over" $given.fallback) -}}
{{- $_ := set .into "routing" $routing -}}
{{- end -}}

{{- /* One tenant. Arguments: (dict "gateway" gateway "name" text "settings" map "into" tenants). Prints nothing. */ -}}
{{- define "llm-serving.gateway.file.tenant" -}}
{{- $gateway := .gateway -}}
{{- $name := .name -}}
{{- $tenant := dict "keys" dict -}}
{{- include "llm-serving.merge" (dict "into" $tenant "over" (omit .settings "keys")) -}}
{{- range $key, $entry := .settings.keys -}}
{{- if $entry -}}
{{- $copy := dict -}}
{{- include "llm-serving.merge" (dict "into" $copy "over" (omit $entry "secret")) -}}
{{- if $entry.secret -}}
{{- $file := include "llm-serving.gateway.secretFile" (dict "gateway" $gateway "path" (printf "tenants/%s/%s" $name $key)) -}}
{{- $_ := set $copy "file" $file -}}
{{- end -}}
{{- $_ := set $tenant.keys $key $copy -}}
{{- end -}}
{{- end -}}
{{- $_ := set .into $name $tenant -}}
{{- end -}}
