{{- /*
The gateway's configuration, on the gateway as `file`: one map in the shape of schemas/gateway-config.schema.yaml. What is left out
has the gateway's own default. Argument: gateway. Prints nothing.
*/ -}}
{{- define "llm-serving.gateway.file" -}}
{{- $gateway := . -}}
{{- $given := .values -}}
{{- $file := dict "models" dict "tenants" dict -}}
{{- $_ := set $file "server" (dict
  "port" (int .surface.ports.api.number)
  "adminPort" (int .surface.ports.admin.number)
  "maxBodyBytes" (int64 $given.maxBodyBytes)
  "drainSeconds" .times.drain
  "tenantLabels" (int $given.tenantLabels)
  "latencyBounds" (include "llm-serving.observability.targets" .models | fromJsonArray)) -}}
{{- $_ := set $file "provider" (dict
  "kind" .root.Values.traffic.provider
  "name" (include "llm-serving.name" .root)
  "release" .root.Release.Name
  "gatewayService" .name
  "brakeConfigMap" .brake) -}}
{{- include "llm-serving.gateway.file.store" (dict "gateway" . "into" $file) -}}
{{- $_ := set $file "admission" (dict "tierOrder" $given.tierOrder) -}}
{{- $_ := set $file "requests" (dict
  "unsupportedParameters" $given.unsupportedParameters
  "retryBudgetPercent" (int $given.retryBudgetPercent)) -}}
{{- if $given.jwt.issuer -}}
{{- $jwt := dict -}}
{{- range $key, $value := $given.jwt -}}
{{- if $value -}}
{{- $_ := set $jwt $key $value -}}
{{- end -}}
{{- end -}}
{{- $_ := set $file "jwt" $jwt -}}
{{- end -}}
{{- if $given.anonymous -}}
{{- $_ := set $file "anonymous" $given.anonymous -}}
{{- end -}}
{{- range $model := .models -}}
{{- include "llm-serving.gateway.file.model" (dict "gateway" $gateway "model" $model "into" $file.models) -}}
{{- end -}}
{{- include "llm-serving.gateway.file.routing" (dict "gateway" . "into" $file) -}}
{{- range $tenant, $settings := .root.Values.tenants -}}
{{- if kindIs "map" $settings -}}
{{- include "llm-serving.gateway.file.tenant" (dict "gateway" $gateway "name" $tenant "settings" $settings "into" $file.tenants) -}}
{{- end -}}
{{- end -}}
{{- $_ := set . "file" $file -}}
{{- end -}}

{{- /*
Where limits are counted. ``replicas`` holds until a pod has counted the others: with the most there may be, all of them together grant a
limit at most. Arguments: (dict "gateway" gateway "into" config). Prints nothing.
*/ -}}
{{- define "llm-serving.gateway.file.store" -}}
{{- $given := .gateway.values.limitStore -}}
{{- $store := dict "kind" $given.kind "whenDown" $given.whenDown "replicas" (include "llm-serving.gateway.mostPods" .gateway | int) -}}
{{- if eq $given.kind "redis" -}}
{{- $_ := set $store "address" $given.address -}}
{{- $_ := set $store "tls" $given.tls -}}
{{- /* Two releases may share one store; a limit belongs to one of them. */ -}}
{{- $_ := set $store "prefix" (printf "%s.%s" .gateway.root.Release.Namespace .gateway.name | trunc 64) -}}
{{- if (default dict $given.password).name -}}
{{- $_ := set $store "passwordFile" (include "llm-serving.gateway.secretFile" (dict "gateway" .gateway "path" "limit-store")) -}}
{{- end -}}
{{- end -}}
{{- $_ := set .into "limitStore" $store -}}
{{- end -}}
