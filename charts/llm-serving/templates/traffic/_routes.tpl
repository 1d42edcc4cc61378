{{- /*
One destination: a revision of a model. Arguments: (dict "model" model "revision" name "port" number), and optional "weight".
*/ -}}
{{- define "llm-serving.traffic.destination" -}}
- destination:
    host: {{ .model.name | quote }}
    subset: {{ .revision | quote }}
    port: {number: {{ .port }}}
  {{- if .weight }}
  weight: {{ .weight }}
  {{- end }}
  headers:
    response:
      set:
        {{- /* Which revision answered, for the gateway's log; Envoy picks it, so nobody else knows. */}}
        x-llm-revision: {{ .revision | quote }}
{{- end -}}

{{- /*
What every route of a model has. A retry only before the engine has seen the request: answers are long, and not the same twice.
Argument: model.
*/ -}}
{{- define "llm-serving.traffic.budget" -}}
timeout: {{ int .values.limits.requestTimeoutSeconds }}s
retries:
  attempts: 1
  retryOn: connect-failure,refused-stream,reset-before-request
{{- end -}}

{{- /*
The routes of a model: one for each pin, then the weights, and the copies for the shadow. A backend of weight 0 is left out.
Arguments: (dict "model" model "port" number).
*/ -}}
{{- define "llm-serving.traffic.routes" -}}
{{- $model := .model -}}
{{- $port := .port -}}
{{- $tracks := $model.values.tracks -}}
{{- range $track := list "stable" "canary" "previous" }}
{{- with get $tracks $track }}
- name: {{ $track }}
  match:
    - headers:
        x-llm-track: {exact: {{ $track }}}
  route:
    {{- include "llm-serving.traffic.destination" (dict "model" $model "revision" .revision "port" $port) | nindent 4 }}
  {{- include "llm-serving.traffic.budget" $model | nindent 2 }}
{{- end }}
{{- end }}
{{- $canary := int (dig "weight" 0 (default dict $tracks.canary)) }}
{{- $weights := dict "stable" (int (dig "weight" (sub 100 $canary) $tracks.stable)) "canary" $canary }}
- name: weighted
  route:
    {{- range $track := list "stable" "canary" }}
    {{- with get $weights $track }}
    {{- $to := dict "model" $model "revision" (get $tracks $track).revision "port" $port "weight" . }}
    {{- include "llm-serving.traffic.destination" $to | nindent 4 }}
    {{- end }}
    {{- end }}
  {{- include "llm-serving.traffic.budget" $model | nindent 2 }}
  {{- with $tracks.shadow }}
  {{- if int .mirrorPercent }}
  mirror:
    host: {{ $model.name | quote }}
    subset: {{ .revision | quote }}
    port: {number: {{ $port }}}
  mirrorPercentage: {value: {{ int .mirrorPercent }}}
  {{- end }}
  {{- end }}
{{- end -}}
