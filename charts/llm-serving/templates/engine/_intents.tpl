{{- /*
What the values ask of an engine, keyed by intent (files/engine.yaml). Empty values mean nothing asked. Argument: engine. Prints JSON.
*/ -}}
{{- define "llm-serving.engine.intents" -}}
{{- $config := .config -}}
{{- $limits := .model.values.limits -}}
{{- dict
  "port" .surface.port.number
  "hubRevision" (dig "hub" "revision" "" $config.weights)
  "loadFormat" (dig "uri" "loadFormat" "" $config.weights)
  "loadStrategy" $config.loadStrategy
  "dtype" $config.dtype
  "quantization" $config.quantization
  "kvCacheDtype" $config.kvCacheDtype
  "tensorParallel" $config.parallelism.tensor
  "pipelineParallel" $config.parallelism.pipeline
  "contextTokens" (add (int64 $limits.maxPromptTokens) (int64 $limits.maxCompletionTokens))
  "concurrentRequests" $config.maxConcurrentRequests
  "inFlightRequests" (add (int64 $config.maxConcurrentRequests) (int64 $limits.queueDepth))
  "queuedTokens" $config.maxQueuedTokens
  "batchedTokens" $config.maxBatchedTokens
  "gpuMemoryUtilization" $config.gpuMemoryUtilization
  "enforceEager" $config.enforceEager
  "drainSeconds" .times.drain
  "histogramBuckets" $config.metrics.histogramBuckets
  "tracesEndpoint" (default dict $config.tracing).endpoint
| toJson -}}
{{- end -}}
