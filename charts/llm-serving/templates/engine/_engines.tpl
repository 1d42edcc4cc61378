{{- /*
Normalise, then render: every enabled revision as one map, sorted by model and revision, and every enabled model.
Arguments: (dict "root" root "into" map). Sets on `into`:
  surface: files/engine.yaml
  models:  list of {key, path, name, values, revisions}
  items:   list of engines {root, surface, model, revision, path, name, config, selector, times}
Fails with every problem that the schema cannot see. Prints nothing.

The result is kept on the root map, which Helm shares between the templates of one rendering; where it does not, it is made again.
Nobody may change it.
*/ -}}
{{- define "llm-serving.engines" -}}
{{- if not (hasKey .root "llmServing") -}}
{{- $all := dict "models" list "items" list "surface" (.root.Files.Get "files/engine.yaml" | fromYaml) -}}
{{- include "llm-serving.engines.build" (dict "root" .root "into" $all) -}}
{{- include "llm-serving.validate" (dict "root" .root "models" $all.models "engines" $all.items "surface" $all.surface) -}}
{{- $_ := set .root "llmServing" $all -}}
{{- end -}}
{{- $into := .into -}}
{{- range $key, $value := .root.llmServing -}}
{{- $_ := set $into $key $value -}}
{{- end -}}
{{- end -}}

{{- /* Arguments: (dict "root" root "into" {models, items, surface}). Prints nothing. */ -}}
{{- define "llm-serving.engines.build" -}}
{{- $root := .root -}}
{{- $into := .into -}}
{{- range $key, $given := $root.Values.models -}}
{{- $model := dict -}}
{{- include "llm-serving.merge" (dict "into" $model "over" $root.Values.modelDefaults) -}}
{{- include "llm-serving.merge" (dict "into" $model "over" (omit (default dict $given) "revisions")) -}}
{{- if and $given $model.enabled -}}
{{- $name := include "llm-serving.objectName" (dict "root" $root "suffix" $key) -}}
{{- $entry := dict "key" $key "path" (printf "models.%s" $key) "name" $name "values" $model "revisions" dict -}}
{{- $_ := set $into "models" (append $into.models $entry) -}}
{{- range $revision, $override := $given.revisions -}}
{{- if not (kindIs "invalid" $override) -}}
{{- $_ := set $entry.revisions $revision true -}}
{{- $config := dict -}}
{{- range list $root.Values.engineDefaults $override -}}
{{- include "llm-serving.merge" (dict "into" $config "over" .) -}}
{{- /* A null here also drops what the chart itself sets, so it must last until then. */ -}}
{{- $hatches := dict "flags" (default dict .flags) "env" (default dict .env) -}}
{{- include "llm-serving.merge" (dict "into" $config "over" $hatches "keepNull" true) -}}
{{- end -}}
{{- $engine := dict "root" $root "surface" $into.surface "model" $entry "revision" $revision "config" $config -}}
{{- $_ := set $engine "path" (printf "models.%s.revisions.%s" $key $revision) -}}
{{- $_ := set $engine "name" (include "llm-serving.objectName" (dict "root" $root "suffix" (printf "%s-%s" $key $revision))) -}}
{{- include "llm-serving.engine.select" $engine -}}
{{- include "llm-serving.engine.times" $engine -}}
{{- $_ := set $into "items" (append $into.items $engine) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
Sets `selector` on the engine: the labels of one revision's pods. Immutable, so no version, chart, class or track. Argument: engine.
*/ -}}
{{- define "llm-serving.engine.select" -}}
{{- $selector := include "llm-serving.selector" (dict "root" .root "component" "engine") | fromJson -}}
{{- $_ := set $selector "llmgen.dev/model" .model.key -}}
{{- $_ := set $selector "llmgen.dev/revision" .revision -}}
{{- $_ := set . "selector" $selector -}}
{{- end -}}

{{- /*
Metadata of an object of one revision. Arguments: (dict "engine" engine "annotations" map).
*/ -}}
{{- define "llm-serving.engine.metadata" -}}
{{- $engine := .engine -}}
{{- $labels := dict
  "llmgen.dev/model" $engine.model.key
  "llmgen.dev/revision" $engine.revision
  "llmgen.dev/class" $engine.model.values.class -}}
{{- include "llm-serving.metadata" (dict "root" $engine.root "component" "engine" "name" $engine.name "labels" $labels "annotations" .annotations) -}}
{{- end -}}
