{{- /*
Egress rule to the source of the weights, for those that are fetched over the network; mounted ones need none. Anywhere but link-local
addresses, where clouds serve machine credentials. Argument: engine.
*/ -}}
{{- define "llm-serving.engine.weightsEgress" -}}
{{- $weights := .config.weights -}}
{{- if or $weights.hub $weights.uri -}}
{{- $port := 443 -}}
{{- with dig "uri" "endpoint" "" $weights -}}
{{- $url := urlParse . -}}
{{- $given := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $port = int (default (ternary 80 443 (eq $url.scheme "http")) $given) -}}
{{- end -}}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except: [169.254.0.0/16]
    - ipBlock:
        cidr: ::/0
        except: ["fe80::/10"]
  ports:
    - port: {{ $port }}
      protocol: TCP
{{- end -}}
{{- end -}}

{{- /* Egress rule to the cluster's DNS and to a node-local cache in front of it. Argument: root. */ -}}
{{- define "llm-serving.dnsEgress" -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ .Values.networkPolicies.dnsNamespace | quote }}
    {{- /* NodeLocal DNSCache answers on this address, outside every namespace. */}}
    - ipBlock:
        cidr: 169.254.20.10/32
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end -}}

{{- /* The port of a Service. Argument: the engine's surface. */ -}}
{{- define "llm-serving.engine.servicePort" -}}
- name: {{ .port.name }}
  port: {{ .port.number }}
  targetPort: {{ .port.name }}
  protocol: TCP
  appProtocol: http
{{- end -}}
