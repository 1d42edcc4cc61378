{{- /*
Everything the gateway's templates need, once. Arguments: (dict "root" root "into" map). Sets on `into`:
  root, name, brake, surface, models, engines, values (the `gateway` block), selector
  times:      {drain, grace} in seconds
  tokenizers: {paths by "model/revision", fetches, env, volumes}, what the init container fetches and which claims hold files
  secrets:    sources of the projected volume
  file:       the gateway's configuration (schemas/gateway-config.schema.yaml)
Kept on the root map like the engines; nobody may change it. Prints nothing.
*/ -}}
{{- define "llm-serving.gateway" -}}
{{- $root := .root -}}
{{- if not (hasKey $root "llmGateway") -}}
{{- $all := dict -}}
{{- include "llm-serving.engines" (dict "root" $root "into" $all) -}}
{{- $gateway := dict
  "root" $root
  "name" (include "llm-serving.objectName" (dict "root" $root "suffix" "gateway"))
  "brake" (include "llm-serving.objectName" (dict "root" $root "suffix" "brake"))
  "surface" ($root.Files.Get "files/gateway.yaml" | fromYaml)
  "models" $all.models
  "engines" $all.items
  "enginePort" $all.surface.port.number
  "values" $root.Values.gateway
  "selector" (include "llm-serving.selector" (dict "root" $root "component" "gateway") | fromJson) -}}
{{- include "llm-serving.gateway.times" $gateway -}}
{{- include "llm-serving.gateway.tokenizers" $gateway -}}
{{- include "llm-serving.gateway.secrets" $gateway -}}
{{- include "llm-serving.gateway.file" $gateway -}}
{{- $_ := set $root "llmGateway" $gateway -}}
{{- end -}}
{{- $into := .into -}}
{{- range $key, $value := $root.llmGateway -}}
{{- $_ := set $into $key $value -}}
{{- end -}}
{{- end -}}

{{- /*
Times of a gateway pod in seconds, on the gateway. A request that arrives just before SIGTERM may wait in the queue, and then run.
  drain = the longest queueTimeout + requestTimeout of a model
  grace = preStop + drain + buffer
Argument: gateway. Prints nothing.
*/ -}}
{{- define "llm-serving.gateway.times" -}}
{{- $drain := 0 -}}
{{- range .models -}}
{{- $limits := .values.limits -}}
{{- $drain = max $drain (add (int $limits.queueTimeoutSeconds) (int $limits.requestTimeoutSeconds)) -}}
{{- end -}}
{{- $shutdown := .values.shutdown -}}
{{- $grace := add (int $shutdown.preStopSeconds) $drain (int $shutdown.bufferSeconds) -}}
{{- $_ := set . "times" (dict "drain" $drain "grace" $grace) -}}
{{- end -}}

{{- /* Metadata of one of the gateway's objects. Arguments: (dict "gateway" gateway "annotations" map). */ -}}
{{- define "llm-serving.gateway.metadata" -}}
{{- $name := default .gateway.name .name -}}
{{- include "llm-serving.metadata" (dict "root" .gateway.root "component" "gateway" "name" $name "annotations" .annotations) -}}
{{- end -}}

{{- /* The name of the gateway's ServiceAccount. Argument: gateway. */ -}}
{{- define "llm-serving.gateway.serviceAccountName" -}}
{{- $account := .values.serviceAccount -}}
{{- default (ternary .name "default" $account.create) $account.name -}}
{{- end -}}

{{- /* The most gateway pods there may be: those of the Deployment, or the autoscaler's limit. Argument: gateway. */ -}}
{{- define "llm-serving.gateway.mostPods" -}}
{{- $scaling := .values.scaling -}}
{{- ternary $scaling.minReplicas $scaling.maxReplicas (eq $scaling.autoscaler "none") | int -}}
{{- end -}}
