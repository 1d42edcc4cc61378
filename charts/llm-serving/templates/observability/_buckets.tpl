{{- /*
The bucket that holds a TTFT target, as Prometheus writes it. The gateway's histogram has every target among its bounds; an engine's has
what metrics.histogramBuckets or its own defaults say, and then the next bound above the target counts.
Arguments: (dict "root" root "of" "gateway"|"engine" "model" model "engines" list "surface" map "target" seconds).
*/ -}}
{{- define "llm-serving.observability.bound" -}}
{{- $bound := .target -}}
{{- if eq .of "engine" -}}
{{- $bounds := .surface.metrics.ttftBuckets -}}
{{- $model := .model -}}
{{- range .engines -}}
{{- if and (eq .model.key $model.key) (eq .revision $model.values.tracks.stable.revision) -}}
{{- $bounds = default $bounds (get .config.metrics.histogramBuckets $.surface.metrics.ttftFamily) -}}
{{- end -}}
{{- end -}}
{{- $found := false -}}
{{- range $candidate := $bounds -}}
{{- if and (not $found) (ge (float64 $candidate) (float64 $.target)) -}}
{{- $bound = $candidate -}}
{{- $found = true -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $text := toString $bound -}}
{{- ternary $text (printf "%s.0" $text) (contains "." $text) -}}
{{- end -}}

{{- /*
Bounds, in seconds, that the gateway's histograms have beside their own: every target of a model, sorted and each once.
Argument: list of models. Prints JSON.
*/ -}}
{{- define "llm-serving.observability.targets" -}}
{{- $found := dict -}}
{{- range . -}}
{{- with .values.targets.ttftSeconds -}}
{{- $_ := set $found (printf "%015.6f" (float64 .)) (float64 .) -}}
{{- end -}}
{{- end -}}
{{- $bounds := list -}}
{{- range $key, $bound := $found -}}
{{- $bounds = append $bounds $bound -}}
{{- end -}}
{{- toJson $bounds -}}
{{- end -}}
