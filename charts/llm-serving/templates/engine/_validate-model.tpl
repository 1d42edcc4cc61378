{{- /*
One model's limits and tracks. Arguments: (dict "model" {path, values} "splits" whether anybody splits traffic "to" problems).
*/ -}}
{{- define "llm-serving.validate.model" -}}
{{- $to := .to -}}
{{- $path := .model.path -}}
{{- $values := .model.values -}}
{{- $revisions := .model.revisions -}}
{{- $splits := .splits -}}
{{- range $limit := list "maxPromptTokens" "maxCompletionTokens" -}}
{{- if not (hasKey $values.limits $limit) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.limits.%s" $path $limit) "got" nil "want" "a number of tokens") -}}
{{- end -}}
{{- end -}}
{{- $completion := int $values.limits.maxCompletionTokens -}}
{{- if and (hasKey $values.limits "maxCompletionTokens") (ne (eq $values.kind "generate") (gt $completion 0)) -}}
{{- $want := ternary "at least 1 for a model that generates" (printf "0 for kind %s" $values.kind) (eq $values.kind "generate") -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.limits.maxCompletionTokens" $path) "got" $completion "want" $want) -}}
{{- end -}}
{{- $known := keys $revisions | sortAlpha | join ", " -}}
{{- if not (dig "tracks" "stable" "revision" "" $values) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.tracks.stable" $path) "got" nil "want" (printf "{revision: one of %s}" $known)) -}}
{{- end -}}
{{- range $track, $pointer := $values.tracks -}}
{{- if not (hasKey $revisions $pointer.revision) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.tracks.%s.revision" $path $track) "got" $pointer.revision "want" (printf "one of %s" $known)) -}}
{{- end -}}
{{- $share := ternary "mirrorPercent" "weight" (eq $track "shadow") -}}
{{- $given := int (default 0 (get (default dict $pointer) $share)) -}}
{{- if and (ne $track "stable") (gt $given 0) (not $splits) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.tracks.%s.%s" $path $track $share) "got" $given "want" "0: nobody splits requests, gateway.enabled is false and traffic.provider is gateway") -}}
{{- end -}}
{{- if and (eq $track "shadow") (gt $given 0) (eq $pointer.revision (dig "tracks" "stable" "revision" "" $values)) $splits -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.tracks.shadow.revision" $path) "got" $pointer.revision "want" "another than stable, whose engines answer the originals") -}}
{{- end -}}
{{- if and (eq $track "stable") (hasKey $pointer "weight") (ne $given 100) (not $splits) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.tracks.stable.weight" $path) "got" $given "want" "100: nobody splits requests, gateway.enabled is false and traffic.provider is gateway") -}}
{{- end -}}
{{- end -}}
{{- $canary := int (dig "tracks" "canary" "weight" 0 $values) -}}
{{- $stable := int (dig "tracks" "stable" "weight" (sub 100 $canary) $values) -}}
{{- if and $splits (ne (add $stable $canary) 100) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.tracks" $path) "saw" (printf "weights of %d and %d" $stable $canary) "want" "100 together for stable and canary") -}}
{{- end -}}
{{- end -}}
