{{- /* Size, scaling, image and resources of one engine. Arguments: (dict "engine" engine "to" problems). */ -}}
{{- define "llm-serving.validate.engine" -}}
{{- $to := .to -}}
{{- $path := .engine.path -}}
{{- $config := .engine.config -}}
{{- $scaling := $config.scaling -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.scaling.minReplicas" $path) "got" $scaling.minReplicas "want" (printf "at most maxReplicas, %v" $scaling.maxReplicas)) -}}
{{- end -}}
{{- if and (eq .engine.model.values.class "interactive") (eq (int $scaling.minReplicas) 0) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.scaling.minReplicas" $path) "got" 0 "want" "at least 1 for class interactive: people would wait for a whole load") -}}
{{- end -}}
{{- $startup := $config.startup -}}
{{- if gt (int $startup.expectedSeconds) (int $startup.budgetSeconds) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.startup.budgetSeconds" $path) "got" $startup.budgetSeconds "want" (printf "at least expectedSeconds, %v, or every load is killed" $startup.expectedSeconds)) -}}
{{- end -}}
{{- if and (eq (default "" $config.image.tag) "latest") (not $config.image.digest) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.image.tag" $path) "got" "latest" "want" "a version, or a digest: latest changes under a running release") -}}
{{- end -}}
{{- range $side, $quantities := $config.resources -}}
{{- range $resource, $quantity := $quantities -}}
{{- if or (eq $resource $config.gpu.resource) (regexMatch "^(nvidia|amd|gpu\\.intel)\\.com/" $resource) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.resources.%s[%s]" $path $side $resource) "got" $quantity "want" "nothing: GPUs follow from gpu.resource and parallelism") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
Flags, arguments and variables that another key sets. Arguments: (dict "engine" engine "to" problems).
*/ -}}
{{- define "llm-serving.validate.surface" -}}
{{- $to := .to -}}
{{- $path := .engine.path -}}
{{- $config := .engine.config -}}
{{- $surface := .engine.surface -}}
{{- $owners := dict -}}
{{- range $surface.intents -}}
{{- $from := .from -}}
{{- range concat (list .flag) (default list .aliases) -}}
{{- $_ := set $owners . $from -}}
{{- end -}}
{{- end -}}
{{- range $flag, $value := $config.flags -}}
{{- /* null drops a flag that an older engine does not know. */ -}}
{{- with ternary "" (get $owners (replace "_" "-" $flag)) (kindIs "invalid" $value) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.flags[%s]" $path $flag) "saw" "a value" "want" (printf "it set by %s" .)) -}}
{{- end -}}
{{- end -}}
{{- range $index, $argument := $config.extraArgs -}}
{{- $flag := regexFind "^--[^=]+" $argument | trimPrefix "--" | replace "_" "-" -}}
{{- with get $owners $flag -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.extraArgs[%d]" $path $index) "saw" (printf "--%s" $flag) "want" (printf "it set by %s" .)) -}}
{{- end -}}
{{- end -}}
{{- range $name, $value := $config.env -}}
{{- with ternary "" (get $surface.env.refused $name) (kindIs "invalid" $value) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.env.%s" $path $name) "saw" "a literal" "want" .) -}}
{{- end -}}
{{- if hasKey $config.secretEnv $name -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.env.%s" $path $name) "saw" "a literal" "want" "it in env or in secretEnv, not in both") -}}
{{- end -}}
{{- end -}}
{{- $references := dict "apiKey" $config.apiKey "weights.hub.token" (dig "hub" "token" nil $config.weights) -}}
{{- range $name, $from := $config.secretEnv -}}
{{- $_ := set $references (printf "secretEnv.%s" $name) $from -}}
{{- end -}}
{{- range $key, $from := $references -}}
{{- if and $from (ne (empty $from.name) (empty $from.key)) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.%s" $path $key) "got" $from "want" "both name and key of a Secret") -}}
{{- end -}}
{{- end -}}
{{- end -}}
