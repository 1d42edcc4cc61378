{{- /* Prints true where Istio splits and balances. Argument: root. */ -}}
{{- define "llm-serving.traffic.mesh" -}}
{{- if eq .Values.traffic.provider "istio" -}}true{{- end -}}
{{- end -}}

{{- /*
Metadata of a model's mesh objects, which share the name of its Service. Arguments: (dict "root" root "model" model).
*/ -}}
{{- define "llm-serving.traffic.metadata" -}}
{{- $labels := dict "llmgen.dev/model" .model.key "llmgen.dev/class" .model.values.class -}}
{{- include "llm-serving.metadata" (dict "root" .root "component" "traffic" "name" .model.name "labels" $labels) -}}
{{- end -}}

{{- /* With the gateway on, only it calls engines, from this namespace; without it, callers may be anywhere. Argument: root. */ -}}
{{- define "llm-serving.traffic.exportTo" -}}
{{- if .Values.gateway.enabled -}}
exportTo: ["."]
{{- end -}}
{{- end -}}

{{- /* How Envoy reaches engines: long streams over HTTP/1.1, and a 503 that means "full", not "broken". Argument: root. */ -}}
{{- define "llm-serving.traffic.policy" -}}
{{- $given := .Values.traffic -}}
tls:
  mode: {{ ternary "ISTIO_MUTUAL" "DISABLE" $given.mtls }}
loadBalancer:
  {{- /* Requests differ by a factor of a thousand in cost: turns would pile the long ones up. */}}
  simple: LEAST_REQUEST
connectionPool:
  tcp:
    connectTimeout: {{ $given.connect.timeoutSeconds }}s
    {{- /* A node that dies mid-stream sends nothing: this ends its streams within a minute. */}}
    tcpKeepalive: {time: 30s, interval: 10s, probes: 3}
  http:
    {{- /* One stream per connection; the engine's server knows no HTTP/2. */}}
    h2UpgradePolicy: DO_NOT_UPGRADE
    idleTimeout: {{ $given.connect.idleSeconds }}s
outlierDetection:
  {{- /* An engine sheds with 503 when it is full. Only what Envoy sees itself (no connection, reset, timeout) says that one is broken. */}}
  splitExternalLocalOriginErrors: true
  consecutiveLocalOriginFailures: {{ $given.ejection.failures }}
  consecutive5xxErrors: 0
  consecutiveGatewayErrors: 0
  interval: {{ $given.ejection.intervalSeconds }}s
  baseEjectionTime: {{ $given.ejection.seconds }}s
  maxEjectionPercent: {{ $given.ejection.maxPercent }}
  {{- /* Below that, all are asked again: a few ejected engines must not bury the rest, nor leave a small revision without any. */}}
  minHealthPercent: {{ $given.ejection.minHealthPercent }}
{{- end -}}

{{- /* Egress of a sidecar to the mesh's control plane. Argument: root. */ -}}
{{- define "llm-serving.traffic.istiodEgress" -}}
{{- $istio := (.Files.Get "files/gateway.yaml" | fromYaml).istio -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ $istio.namespace }}
  ports:
    - port: {{ $istio.xdsPort }}
      protocol: TCP
{{- end -}}
