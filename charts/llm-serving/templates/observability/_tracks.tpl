{{- /*
Tracks of a model without a gateway that tells them; each revision once, by its most important track.
Arguments: (dict "root" root "model" model "to" {rules}). Prints nothing.
*/ -}}
{{- define "llm-serving.observability.fixedTracks" -}}
{{- $args := . -}}
{{- $told := dict -}}
{{- range $track := list "stable" "canary" "shadow" "previous" -}}
{{- with get $args.model.values.tracks $track -}}
{{- if not (hasKey $told .revision) -}}
{{- $_ := set $told .revision true -}}
{{- $labels := include "llm-serving.observability.labels" (dict "root" $args.root "model" $args.model "revision" .revision "track" $track) | fromJson -}}
{{- include "llm-serving.observability.fact" (dict "root" $args.root "to" $args.to "key" "track" "expr" "vector(1)" "labels" (omit $labels "llm_class")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
