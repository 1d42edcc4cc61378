{{- /*
Egress to one port, anywhere but link-local addresses, where clouds serve machine credentials. The empty namespaceSelector is for network
plugins that do not count pods among addresses. Arguments: (dict "ports" list).
*/ -}}
{{- define "llm-serving.gateway.egressAnywhere" -}}
- to:
    - namespaceSelector: {}
    - ipBlock:
        cidr: 0.0.0.0/0
        except: [169.254.0.0/16]
    - ipBlock:
        cidr: ::/0
        except: ["fe80::/10"]
  ports:
    {{- range .ports }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
{{- end -}}

{{- /* The port of a URL. Argument: the URL. */ -}}
{{- define "llm-serving.gateway.portOf" -}}
{{- $url := urlParse . -}}
{{- $given := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- if $given -}}
{{- $given -}}
{{- else -}}
{{- ternary "80" "443" (eq $url.scheme "http") -}}
{{- end -}}
{{- end -}}

{{- /*
Ports that the gateway calls outside the release, sorted, each once: the API server, and the limit store, the issuer's keys and the hub
where they are used. Argument: gateway. Prints JSON.
*/ -}}
{{- define "llm-serving.gateway.portsOutside" -}}
{{- $ports := list -}}
{{- range .surface.apiServerPorts -}}
{{- $ports = append $ports (printf "%05d" (int .)) -}}
{{- end -}}
{{- $urls := list -}}
{{- if .values.jwt.issuer -}}
{{- $urls = append $urls .values.jwt.jwksUrl -}}
{{- end -}}
{{- if .tokenizers.fetches -}}
{{- $urls = append $urls .values.hubEndpoint -}}
{{- end -}}
{{- range $urls -}}
{{- $ports = append $ports (printf "%05d" (int (include "llm-serving.gateway.portOf" .))) -}}
{{- end -}}
{{- if eq .values.limitStore.kind "redis" -}}
{{- $ports = append $ports (regexFind "[0-9]+$" .values.limitStore.address | int | printf "%05d") -}}
{{- end -}}
{{- $numbers := list -}}
{{- range $ports | uniq | sortAlpha -}}
{{- $numbers = append $numbers (trimPrefix "0" . | trimPrefix "0" | trimPrefix "0" | int) -}}
{{- end -}}
{{- toJson $numbers -}}
{{- end -}}
