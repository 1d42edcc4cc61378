{{- /*
What the size of one revision follows, as a list of {name, kind, target, query, series} on `into.signals`. Each query answers with one
element, or with nothing when it is blind: then the autoscaler keeps what runs. kind is AverageValue for counts, whose sum is divided by
the target, and Value for shares and latencies, which multiply what is ready. `series` are the names of a selector that exists with it.
Arguments: (dict "engine" engine "into" map). Prints nothing.
*/ -}}
{{- define "llm-serving.scaling.signals" -}}
{{- $engine := .engine -}}
{{- $root := $engine.root -}}
{{- $scaling := $engine.config.scaling -}}
{{- $of := dict "root" $root "model" $engine.model.key "revision" $engine.revision -}}
{{- $selector := include "llm-serving.metric.selector" $of -}}
{{- $signals := list -}}
{{- if eq (int $scaling.minReplicas) 0 -}}
{{- /* An engine's series vanish with it: only the gateway knows that somebody asks. */ -}}
{{- $signals = append $signals (dict "name" "demand" "kind" "AverageValue" "target" $scaling.demandTarget
  "query" (include "llm-serving.scaling.demand" $engine) "of" "gateway" "key" "demand") -}}
{{- else -}}
{{- $signals = append $signals (dict "name" "inflight" "kind" "AverageValue" "target" $scaling.inFlightTarget
  "query" (include "llm-serving.scaling.inFlight" $engine) "of" "engine" "key" "running") -}}
{{- if $scaling.kvCacheTarget -}}
{{- $usage := include "llm-serving.metric" (dict "root" $root "of" "engine" "key" "kvUsage") -}}
{{- $signals = append $signals (dict "name" "kv" "kind" "Value" "target" $scaling.kvCacheTarget
  "query" (printf "avg(%s{%s})" $usage $selector) "of" "engine" "key" "kvUsage") -}}
{{- end -}}
{{- if $scaling.ttftTarget -}}
{{- $signals = append $signals (dict "name" "ttft" "kind" "Value" "target" $scaling.ttftTarget
  "query" (include "llm-serving.scaling.ttft" $engine) "of" "engine" "key" "running") -}}
{{- end -}}
{{- end -}}
{{- $_ := set .into "signals" $signals -}}
{{- end -}}

{{- /*
Running, as a mean over a minute, waiting for capacity, and the revision's share of the gateway's queue. Argument: engine.
The mean is there because an autoscaler holds the highest of its last looks: with every swing of the arrivals it would hold engines that
nobody needs. A queue is no swing, and counts at once.
*/ -}}
{{- define "llm-serving.scaling.inFlight" -}}
{{- $root := .root -}}
{{- $selector := include "llm-serving.metric.selector" (dict "root" $root "model" .model.key "revision" .revision) -}}
{{- $running := include "llm-serving.metric" (dict "root" $root "of" "engine" "key" "running") -}}
{{- $reasons := include "llm-serving.metric" (dict "root" $root "of" "engine" "key" "waitingByReason") -}}
{{- $waiting := include "llm-serving.metric" (dict "root" $root "of" "engine" "key" "waiting") -}}
{{- /* An older engine does not say why a request waits. */ -}}
{{- $minute := include "llm-serving.scaling.window" (dict "root" $root "scrapes" 2 "least" 60) -}}
{{- printf "sum(avg_over_time(%s{%s}[%s])) + (sum(%s{%s,reason=\"capacity\"}) or sum(%s{%s}))" $running $selector $minute $reasons $selector $waiting $selector -}}
{{- $share := int (include "llm-serving.scaling.share" .) -}}
{{- if and $root.Values.gateway.enabled (gt $share 0) -}}
{{- $queue := include "llm-serving.metric" (dict "root" $root "of" "gateway" "key" "queueDepth") -}}
{{- $of := include "llm-serving.metric.selector" (dict "root" $root "of" "gateway" "model" .model.key) -}}
{{- printf " + %s(sum(%s{%s}) or vector(0))" (include "llm-serving.scaling.times" $share) $queue $of -}}
{{- end -}}
{{- end -}}

{{- /* The revision's share of the requests per second that ask for its model, rejected ones included. Argument: engine. */ -}}
{{- define "llm-serving.scaling.demand" -}}
{{- $demand := include "llm-serving.metric" (dict "root" .root "of" "gateway" "key" "demand") -}}
{{- $of := include "llm-serving.metric.selector" (dict "root" .root "of" "gateway" "model" .model.key) -}}
{{- $share := int (include "llm-serving.scaling.share" .) -}}
{{- $window := include "llm-serving.scaling.window" (dict "root" .root "scrapes" 4 "least" 120) -}}
{{- printf "%ssum(rate(%s{%s}[%s]))" (include "llm-serving.scaling.times" $share) $demand $of $window -}}
{{- end -}}

{{- /* TTFT p95 while no engine is loading, else 0, which is no opinion: the old overload must not ask twice. Argument: engine. */ -}}
{{- define "llm-serving.scaling.ttft" -}}
{{- $selector := include "llm-serving.metric.selector" (dict "root" .root "model" .model.key "revision" .revision) -}}
{{- $buckets := include "llm-serving.metric" (dict "root" .root "of" "engine" "key" "ttft" "suffix" "_bucket") -}}
{{- $wanted := include "llm-serving.metric" (dict "root" .root "of" "kubeState" "key" "deploymentReplicas") -}}
{{- $there := include "llm-serving.metric" (dict "root" .root "of" "kubeState" "key" "deploymentAvailable") -}}
{{- $deployment := printf "namespace=%q,deployment=%q" .root.Release.Namespace .name -}}
{{- $window := include "llm-serving.scaling.window" (dict "root" .root "scrapes" 4 "least" 120) -}}
{{- $latency := printf "histogram_quantile(0.95, sum by (le) (rate(%s{%s}[%s])))" $buckets $selector $window -}}
{{- printf "(%s and on() (sum(%s{%s}) == sum(%s{%s}))) > 0 or vector(0)" $latency $wanted $deployment $there $deployment -}}
{{- end -}}
