{{- /* Percent of the model's requests that the tracks send to a revision. Argument: engine. */ -}}
{{- define "llm-serving.scaling.share" -}}
{{- $tracks := .model.values.tracks -}}
{{- $canary := int (dig "canary" "weight" 0 $tracks) -}}
{{- $weights := dict "stable" (int (dig "stable" "weight" (sub 100 $canary) $tracks)) "canary" $canary -}}
{{- $share := 0 -}}
{{- range $track, $weight := $weights -}}
{{- if eq (dig $track "revision" "" $tracks) $.revision -}}
{{- $share = add $share $weight -}}
{{- end -}}
{{- end -}}
{{- $share -}}
{{- end -}}

{{- /* A share as a factor of a query, nothing for all. Argument: percent. */ -}}
{{- define "llm-serving.scaling.times" -}}
{{- if ne . 100 -}}
{{- printf "%v * " (divf . 100) -}}
{{- end -}}
{{- end -}}

{{- /* A range of a query that holds some scrapes. Arguments: (dict "root" root "scrapes" count "least" seconds). */ -}}
{{- define "llm-serving.scaling.window" -}}
{{- printf "%ds" (max .least (mul .scrapes (int .root.Values.observability.scrapeIntervalSeconds))) -}}
{{- end -}}
