{{- /*
Rules across values that the schema cannot state. All problems are reported at once, each with its values path.
Arguments: (dict "root" root "models" list "engines" list "surface" map). Prints nothing, or fails.
*/ -}}
{{- define "llm-serving.validate" -}}
{{- $problems := dict "found" list -}}
{{- $splits := or .root.Values.gateway.enabled (eq .root.Values.traffic.provider "istio") -}}
{{- include "llm-serving.validate.names" (dict "all" . "to" $problems) -}}
{{- if and .root.Values.traffic.mtls (ne .root.Values.traffic.provider "istio") -}}
{{- include "llm-serving.problem" (dict "to" $problems "path" "traffic.mtls" "got" true "want" "false: without traffic.provider istio nobody speaks mutual TLS to engines") -}}
{{- end -}}
{{- range .models -}}
{{- include "llm-serving.validate.model" (dict "model" . "splits" $splits "to" $problems) -}}
{{- end -}}
{{- range .engines -}}
{{- include "llm-serving.validate.engine" (dict "engine" . "to" $problems) -}}
{{- include "llm-serving.validate.weights" (dict "engine" . "to" $problems) -}}
{{- include "llm-serving.validate.surface" (dict "engine" . "to" $problems) -}}
{{- end -}}
{{- include "llm-serving.validate.volumes" (dict "all" . "to" $problems) -}}
{{- include "llm-serving.validate.scaling" (dict "all" . "to" $problems) -}}
{{- include "llm-serving.validate.observability" (dict "all" . "to" $problems) -}}
{{- if .root.Values.gateway.enabled -}}
{{- include "llm-serving.validate.gateway" (dict "all" . "to" $problems) -}}
{{- end -}}
{{- with $problems.found -}}
{{- fail (printf "\n%s" (join "\n" .)) -}}
{{- end -}}
{{- end -}}

{{- /*
Notes one problem. Arguments: (dict "to" problems "path" text "got" anything "want" text); "saw" instead of "got" is printed as it is, for
what is no value, or must not be printed.
*/ -}}
{{- define "llm-serving.problem" -}}
{{- $got := default (ternary "nothing" (toJson .got) (kindIs "invalid" .got)) .saw -}}
{{- $_ := set .to "found" (append .to.found (printf "%s: got %s, want %s" .path $got .want)) -}}
{{- end -}}

{{- /* Names start with a letter and are all different. Arguments: (dict "all" {root, models, engines} "to" problems). */ -}}
{{- define "llm-serving.validate.names" -}}
{{- $to := .to -}}
{{- $fullname := include "llm-serving.fullname" .all.root -}}
{{- if not (regexMatch "^[a-z][a-z0-9-]*$" $fullname) -}}
{{- include "llm-serving.problem" (dict "to" $to "path" "fullnameOverride" "got" $fullname "want" "lower-case letters, digits and dashes, starting with a letter: Services are named after it") -}}
{{- end -}}
{{- $denied := include "llm-serving.objectName" (dict "root" .all.root "suffix" "default-deny") -}}
{{- $tested := include "llm-serving.objectName" (dict "root" .all.root "suffix" "test") -}}
{{- $owners := dict $denied "the default-deny NetworkPolicy" $tested "the NetworkPolicy of helm test" -}}
{{- if .all.root.Values.gateway.enabled -}}
{{- $_ := set $owners (include "llm-serving.objectName" (dict "root" .all.root "suffix" "gateway")) "the gateway" -}}
{{- end -}}
{{- range concat .all.models .all.engines -}}
{{- if hasKey $owners .name -}}
{{- include "llm-serving.problem" (dict "to" $to "path" .path "got" .name "want" (printf "another name, %s has this one" (get $owners .name))) -}}
{{- end -}}
{{- $_ := set $owners .name .path -}}
{{- end -}}
{{- end -}}
