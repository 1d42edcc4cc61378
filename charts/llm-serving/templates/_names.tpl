{{- /*
A name of at most 63 characters: the text itself, or its beginning and a stable hash of all of it. Argument: the text.
*/ -}}
{{- define "llm-serving.fit" -}}
{{- if le (len .) 63 -}}
{{- . -}}
{{- else -}}
{{- printf "%s-%s" (regexReplaceAll "-+$" (trunc 54 .) "") (sha256sum . | trunc 8) -}}
{{- end -}}
{{- end -}}

{{- /* The value of app.kubernetes.io/name. Argument: root. An alias of a subchart counts as its name. */ -}}
{{- define "llm-serving.name" -}}
{{- default .Chart.Name .Values.nameOverride -}}
{{- end -}}

{{- /*
The first part of every name. Argument: root. A release of this chart alone is named by the release; as a subchart, or with a
nameOverride, the chart's name is appended, so that two of them in one release stay apart.
*/ -}}
{{- define "llm-serving.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if or .Values.nameOverride (not .Chart.IsRoot) -}}
{{- include "llm-serving.fit" (printf "%s-%s" .Release.Name (include "llm-serving.name" .)) -}}
{{- else -}}
{{- .Release.Name -}}
{{- end -}}
{{- end -}}

{{- /* A name inside the namespace. Arguments: (dict "root" root "suffix" text). */ -}}
{{- define "llm-serving.objectName" -}}
{{- include "llm-serving.fit" (printf "%s-%s" (include "llm-serving.fullname" .root) .suffix) -}}
{{- end -}}

{{- /* A name in the whole cluster, so it carries the namespace. Arguments: (dict "root" root "suffix" text). */ -}}
{{- define "llm-serving.clusterName" -}}
{{- $name := printf "%s-%s-%s" .root.Release.Namespace (include "llm-serving.fullname" .root) .suffix -}}
{{- include "llm-serving.fit" $name -}}
{{- end -}}

{{- /* The name of the ServiceAccount. Argument: root. */ -}}
{{- define "llm-serving.serviceAccountName" -}}
{{- $default := ternary (include "llm-serving.fullname" .) "default" .Values.serviceAccount.create -}}
{{- default $default .Values.serviceAccount.name -}}
{{- end -}}

{{- /* The claim of one entry of `volumes`. Arguments: (dict "root" root "volume" key). */ -}}
{{- define "llm-serving.claimName" -}}
{{- $volume := get .root.Values.volumes .volume -}}
{{- default (include "llm-serving.objectName" (dict "root" .root "suffix" .volume)) $volume.existingClaim -}}
{{- end -}}

{{- /*
The PriorityClass of one traffic class, empty for none. Arguments: (dict "root" root "class" class).
*/ -}}
{{- define "llm-serving.priorityClassName" -}}
{{- $classes := .root.Values.priorityClasses -}}
{{- $entry := get $classes .class -}}
{{- if $entry.existing -}}
{{- $entry.existing -}}
{{- else if $classes.create -}}
{{- include "llm-serving.clusterName" (dict "root" .root "suffix" .class) -}}
{{- end -}}
{{- end -}}

{{- /* The Kubernetes version that is rendered for. Argument: root. */ -}}
{{- define "llm-serving.kubeVersion" -}}
{{- default .Capabilities.KubeVersion.Version .Values.kubeVersionOverride -}}
{{- end -}}
