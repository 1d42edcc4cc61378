{{- /*
Notes a name that is no enabled model. Arguments: (dict "to" problems "path" text "model" text "models" {key: true}).
*/ -}}
{{- define "llm-serving.validate.gateway.model" -}}
{{- if not (hasKey .models .model) -}}
{{- include "llm-serving.problem" (dict "to" .to "path" .path "got" .model "want" (printf "one of models: %s" (keys .models | sortAlpha | join ", "))) -}}
{{- end -}}
{{- end -}}

{{- /*
What the gateway would refuse at its start, or at a reload, when nobody looks. Arguments: (dict "all" {root, models, engines} "to" problems).
*/ -}}
{{- define "llm-serving.validate.gateway" -}}
{{- $to := .to -}}
{{- $root := .all.root -}}
{{- $given := $root.Values.gateway -}}
{{- $models := dict -}}
{{- range .all.models -}}
{{- $_ := set $models .key true -}}
{{- end -}}
{{- if not $models -}}
{{- include "llm-serving.problem" (dict "to" $to "path" "gateway.enabled" "got" true "want" "a model for it to serve") -}}
{{- end -}}
{{- if gt (int $given.scaling.minReplicas) (int $given.scaling.maxReplicas) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" "gateway.scaling.minReplicas" "got" $given.scaling.minReplicas "want" (printf "at most maxReplicas, %v" $given.scaling.maxReplicas)) -}}
{{- end -}}
{{- if and (eq $given.limitStore.kind "redis") (not $given.limitStore.address) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" "gateway.limitStore.address" "got" nil "want" "host:port of the store") -}}
{{- end -}}
{{- with $given.limitStore.password -}}
{{- if ne (empty .name) (empty .key) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" "gateway.limitStore.password" "got" . "want" "both name and key of a Secret") -}}
{{- end -}}
{{- end -}}
{{- $exposure := $given.exposure -}}
{{- $needed := dict "none" list "httpRoute" (list "host" "parentGateway") "istio" (list "host" "istioSelector") -}}
{{- range $key := get $needed $exposure.kind -}}
{{- if not (get $exposure $key) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" (printf "gateway.exposure.%s" $key) "got" nil "want" (printf "it given for exposure.kind %s" $exposure.kind)) -}}
{{- end -}}
{{- end -}}
{{- $complete := and $given.jwt.issuer $given.jwt.jwksUrl $given.jwt.tenantClaim -}}
{{- if and (or $given.jwt.issuer $given.jwt.jwksUrl $given.jwt.audience $given.jwt.tenantClaim) (not $complete) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" "gateway.jwt" "got" $given.jwt "want" "issuer, jwksUrl and tenantClaim, or none of them") -}}
{{- end -}}
{{- if and $given.anonymous (not (kindIs "map" (get $root.Values.tenants $given.anonymous))) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" "gateway.anonymous" "got" $given.anonymous "want" "the name of one of tenants") -}}
{{- end -}}
{{- include "llm-serving.validate.engineKeys" (dict "all" .all "to" $to) -}}
{{- include "llm-serving.validate.routing" (dict "all" .all "models" $models "to" $to) -}}
{{- include "llm-serving.validate.tenants" (dict "root" $root "models" $models "to" $to) -}}
{{- end -}}
