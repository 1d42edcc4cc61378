{{- /*
The name of a metric, from files/metrics.yaml. Arguments: (dict "root" root "of" exporter "key" key), for example "engine" and "running";
"suffix" is appended to the name (_bucket, _count, _sum of a histogram). Fails for what is not there.
*/ -}}
{{- define "llm-serving.metric" -}}
{{- $all := include "llm-serving.metrics" .root | fromJson -}}
{{- $entry := get (default dict (get $all .of)) .key -}}
{{- if not $entry -}}
{{- fail (printf "files/metrics.yaml: there is no %s.%s" .of .key) -}}
{{- end -}}
{{- printf "%s%s" $entry.name (default "" .suffix) -}}
{{- end -}}

{{- /* The name of a label that scraping adds, from files/metrics.yaml. Arguments: (dict "root" root "key" key), for example "revision". */ -}}
{{- define "llm-serving.metric.label" -}}
{{- $label := get (include "llm-serving.metrics" .root | fromJson).labels .key -}}
{{- if not $label -}}
{{- fail (printf "files/metrics.yaml: there is no labels.%s" .key) -}}
{{- end -}}
{{- $label -}}
{{- end -}}

{{- /*
Label matchers of this release's series, without braces: namespace="ns",llm_release="rel",llm_model="m",llm_revision="r".
Arguments: (dict "root" root), and optional "model" and "revision"; "of" "gateway" names the model as the gateway's own series do.
*/ -}}
{{- define "llm-serving.metric.selector" -}}
{{- $labels := (include "llm-serving.metrics" .root | fromJson).labels -}}
{{- $release := include "llm-serving.metric.release" .root -}}
{{- $parts := list (printf "namespace=%q" .root.Release.Namespace) (printf "%s=%q" $labels.release $release) -}}
{{- $own := eq (default "" .of) "gateway" -}}
{{- with .model -}}
{{- $parts = append $parts (printf "%s=%q" (ternary "model" $labels.model $own) .) -}}
{{- end -}}
{{- with .revision -}}
{{- $parts = append $parts (printf "%s=%q" (ternary "revision" $labels.revision $own) .) -}}
{{- end -}}
{{- join "," $parts -}}
{{- end -}}

{{- /*
What the label llm_release says: the first part of this release's object names, so that two charts in one release stay apart.
Argument: root.
*/ -}}
{{- define "llm-serving.metric.release" -}}
{{- include "llm-serving.fullname" . -}}
{{- end -}}

{{- /* files/metrics.yaml as JSON, read once per rendering. Argument: root. */ -}}
{{- define "llm-serving.metrics" -}}
{{- if not (hasKey . "llmMetrics") -}}
{{- $_ := set . "llmMetrics" (.Files.Get "files/metrics.yaml" | fromYaml | toJson) -}}
{{- end -}}
{{- .llmMetrics -}}
{{- end -}}
