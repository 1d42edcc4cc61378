{{- /*
Routing names models, aliases name one model each, and rules have an order. Arguments: (dict "all" {root, models, engines} "models"
{key: true} "to" problems).
*/ -}}
{{- define "llm-serving.validate.routing" -}}
{{- $to := .to -}}
{{- $models := .models -}}
{{- $routing := .all.root.Values.routing -}}
{{- $unnamed := $routing.default -}}
{{- if $unnamed -}}
{{- include "llm-serving.validate.gateway.model" (dict "to" $to "model" $unnamed "models" $models "path" "routing.default") -}}
{{- end -}}
{{- $orders := dict -}}
{{- range $name, $rule := $routing.rules -}}
{{- if $rule -}}
{{- $path := printf "routing.rules.%s" $name -}}
{{- include "llm-serving.validate.gateway.model" (dict "to" $to "path" (printf "%s.model" $path) "model" $rule.model "models" $models) -}}
{{- with get $orders (toString $rule.order) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.order" $path) "got" $rule.order "want" (printf "another number, routing.rules.%s has this one" .)) -}}
{{- end -}}
{{- $_ := set $orders (toString $rule.order) $name -}}
{{- end -}}
{{- end -}}
{{- range $name, $chain := $routing.fallback -}}
{{- range $model := ternary (prepend (default list $chain) $name) list (kindIs "slice" $chain) -}}
{{- include "llm-serving.validate.gateway.model" (dict "to" $to "path" (printf "routing.fallback.%s" $name) "model" $model "models" $models) -}}
{{- end -}}
{{- end -}}
{{- $owners := dict -}}
{{- range $model := .all.models -}}
{{- range $alias, $on := $model.values.aliases -}}
{{- $owner := ternary $alias (get $owners $alias) (hasKey $models $alias) -}}
{{- if and $on $owner -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.aliases[%s]" $model.path $alias) "got" $on "want" (printf "another name, models.%s has this one" $owner)) -}}
{{- end -}}
{{- if $on -}}
{{- $_ := set $owners $alias $model.key -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
The gateway knows one key per model, so a track may only move between revisions that ask for the same one.
Arguments: (dict "all" {root, models, engines} "to" problems).
*/ -}}
{{- define "llm-serving.validate.engineKeys" -}}
{{- $to := .to -}}
{{- $first := dict -}}
{{- range $engine := .all.engines -}}
{{- $key := toJson (default dict $engine.config.apiKey) -}}
{{- $known := default $key (get $first $engine.model.key) -}}
{{- $_ := set $first $engine.model.key $known -}}
{{- if ne $key $known -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "%s.apiKey" $engine.path) "got" $engine.config.apiKey "want" (printf "the same as the other revisions of %s: %s" $engine.model.path $known)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Keys are hashes or references, models exist. Arguments: (dict "root" root "models" {key: true} "to" problems). */ -}}
{{- define "llm-serving.validate.tenants" -}}
{{- $to := .to -}}
{{- $models := .models -}}
{{- range $tenant, $settings := .root.Values.tenants -}}
{{- range $key, $entry := (default dict $settings).keys -}}
{{- if and $entry (eq (empty $entry.sha256) (empty (dig "secret" "name" "" $entry))) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "tenants.%s.keys.%s" $tenant $key) "saw" "its settings" "want" "exactly one of sha256 and secret") -}}
{{- end -}}
{{- end -}}
{{- range $model := (default dict $settings).models -}}
{{- include "llm-serving.validate.gateway.model" (dict "to" $to "path" (printf "tenants.%s.models" $tenant) "model" $model "models" $models) -}}
{{- end -}}
{{- range $model, $limits := (default dict $settings).modelLimits -}}
{{- if $limits -}}
{{- include "llm-serving.validate.gateway.model" (dict "to" $to "path" (printf "tenants.%s.modelLimits" $tenant) "model" $model "models" $models) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
