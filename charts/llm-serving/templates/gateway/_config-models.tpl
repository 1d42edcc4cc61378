{{- /* One model. Arguments: (dict "gateway" gateway "model" model "into" models). Prints nothing. */ -}}
{{- define "llm-serving.gateway.file.model" -}}
{{- $model := .model -}}
{{- $given := $model.values -}}
{{- $limits := $given.limits -}}
{{- $stable := $given.tracks.stable.revision -}}
{{- $revisions := dict -}}
{{- $cold := 0 -}}
{{- range $engine := .gateway.engines -}}
{{- if eq $engine.model.key $model.key -}}
{{- $_ := set $revisions $engine.revision (dict "concurrency" (int $engine.config.maxConcurrentRequests)) -}}
{{- if eq $engine.revision $stable -}}
{{- $expected := int $engine.config.startup.expectedSeconds -}}
{{- $cold = ternary $expected $engine.times.load (gt $expected 0) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $upstream := dict "service" $model.name "port" .gateway.enginePort -}}
{{- if include "llm-serving.gateway.engineKey" (dict "gateway" .gateway "model" $model) | fromJson -}}
{{- $file := include "llm-serving.gateway.secretFile" (dict "gateway" .gateway "path" (printf "engines/%s" $model.key)) -}}
{{- $_ := set $upstream "apiKeyFile" $file -}}
{{- end -}}
{{- $tracks := dict -}}
{{- include "llm-serving.gateway.file.tracks" (dict "model" $model "into" $tracks) -}}
{{- $entry := dict
  "kind" $given.kind
  "class" $given.class
  "quality" (int $given.quality)
  "coldStartSeconds" $cold
  "limits" (dict
    "maxPromptTokens" (int64 $limits.maxPromptTokens)
    "maxCompletionTokens" (int64 $limits.maxCompletionTokens)
    "queueDepth" (int $limits.queueDepth)
    "queueTimeoutSeconds" (int $limits.queueTimeoutSeconds)
    "requestTimeoutSeconds" (int $limits.requestTimeoutSeconds))
  "upstream" $upstream
  "revisions" $revisions
  "tracks" $tracks -}}
{{- with $limits.ttftTimeoutSeconds -}}
{{- $_ := set $entry.limits "ttftTimeoutSeconds" (int .) -}}
{{- end -}}
{{- $parameters := list -}}
{{- range $name, $on := $given.parameters -}}
{{- if $on -}}
{{- $parameters = append $parameters $name -}}
{{- end -}}
{{- end -}}
{{- if $parameters -}}
{{- $_ := set $entry "parameters" $parameters -}}
{{- end -}}
{{- if $given.servedName -}}
{{- $_ := set $entry "servedName" $given.servedName -}}
{{- end -}}
{{- with get .gateway.tokenizers.paths (printf "%s/%s" $model.key $stable) -}}
{{- $_ := set $entry "tokenizer" (dict "path" .) -}}
{{- end -}}
{{- $_ := set .into $model.key $entry -}}
{{- end -}}

{{- /* Tracks with their shares. Arguments: (dict "model" model "into" tracks). Prints nothing. */ -}}
{{- define "llm-serving.gateway.file.tracks" -}}
{{- $into := .into -}}
{{- range $track, $pointer := .model.values.tracks -}}
{{- if $pointer -}}
{{- $copy := dict "revision" $pointer.revision -}}
{{- range $share := list "weight" "mirrorPercent" -}}
{{- if hasKey $pointer $share -}}
{{- $_ := set $copy $share (int (get $pointer $share)) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $into $track $copy -}}
{{- end -}}
{{- end -}}
{{- end -}}
