{{- /*
Deep merge that lets false, 0 and "" override and null drop a key, which sprig's merge functions do not.
Arguments: (dict "into" <map, changed> "over" <map, only read>), and "keepNull" true to keep nulls instead. Maps merge, everything else
replaces. Prints nothing.
Maps are copied on the way, so that `into` never shares one with values.
*/ -}}
{{- define "llm-serving.merge" -}}
{{- $into := .into -}}
{{- $keep := .keepNull -}}
{{- range $key, $value := .over -}}
{{- if and (kindIs "invalid" $value) (not $keep) -}}
{{- $_ := unset $into $key -}}
{{- else if kindIs "map" $value -}}
{{- if not (kindIs "map" (get $into $key)) -}}
{{- $_ := set $into $key dict -}}
{{- end -}}
{{- include "llm-serving.merge" (dict "into" (get $into $key) "over" $value "keepNull" $keep) -}}
{{- else -}}
{{- $_ := set $into $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}
