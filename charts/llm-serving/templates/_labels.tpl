{{- /*
Labels of every object as a map. Arguments: (dict "root" root "component" text "into" map). Prints nothing.
*/ -}}
{{- define "llm-serving.labelMap" -}}
{{- $root := .root -}}
{{- $into := .into -}}
{{- include "llm-serving.merge" (dict "into" $into "over" $root.Values.commonLabels) -}}
{{- $_ := set $into "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- $_ := set $into "app.kubernetes.io/name" (include "llm-serving.name" $root) -}}
{{- $_ := set $into "app.kubernetes.io/instance" $root.Release.Name -}}
{{- $_ := set $into "app.kubernetes.io/component" .component -}}
{{- $_ := set $into "app.kubernetes.io/part-of" "llm-serving" -}}
{{- $_ := set $into "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- $_ := set $into "app.kubernetes.io/version" $root.Chart.AppVersion -}}
{{- end -}}

{{- /*
The metadata of one object, without the line "metadata:".
Arguments: (dict "root" root "component" text "name" text), and "labels" and "annotations" (maps of its own), "cluster" true for an
object without namespace.
*/ -}}
{{- define "llm-serving.metadata" -}}
{{- $labels := dict -}}
{{- include "llm-serving.labelMap" (dict "root" .root "component" .component "into" $labels) -}}
{{- include "llm-serving.merge" (dict "into" $labels "over" (default dict .labels)) -}}
{{- $annotations := dict -}}
{{- include "llm-serving.merge" (dict "into" $annotations "over" .root.Values.commonAnnotations) -}}
{{- include "llm-serving.merge" (dict "into" $annotations "over" (default dict .annotations)) -}}
{{- $metadata := dict "name" .name "labels" $labels -}}
{{- if not .cluster -}}
{{- $_ := set $metadata "namespace" .root.Release.Namespace -}}
{{- end -}}
{{- if $annotations -}}
{{- $_ := set $metadata "annotations" $annotations -}}
{{- end -}}
{{- toYaml $metadata -}}
{{- end -}}

{{- /*
Selector of a component's pods as a map: what never changes in a release's life. Arguments: (dict "root" root "component" text).
Prints JSON.
*/ -}}
{{- define "llm-serving.selector" -}}
{{- dict
  "app.kubernetes.io/name" (include "llm-serving.name" .root)
  "app.kubernetes.io/instance" .root.Release.Name
  "app.kubernetes.io/component" .component
| toJson -}}
{{- end -}}
