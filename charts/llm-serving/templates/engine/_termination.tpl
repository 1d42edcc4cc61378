{{- /*
Every time of an engine's life, from its two budgets, as `times` (seconds) on the engine. This is the only place that adds them up.
Argument: engine. Prints nothing.

  request budget  = limits.requestTimeoutSeconds of the model
    drain         = request budget: a request that starts just before SIGTERM may still finish
    grace         = preStop + drain + buffer: endpoint removal, drain, teardown, and only then SIGKILL
  load budget     = startup.budgetSeconds
    ready         = load budget: the engine gives up itself, with a message, when the startup probe would
    progress      = scheduling + load budget + minReady, and the old engine's grace where it has to leave first
    helm          = progress for each engine, as an upgrade replaces them one after the other, and a minute, so that Helm
                    sees Kubernetes give up first
*/ -}}
{{- define "llm-serving.engine.times" -}}
{{- $config := .config -}}
{{- $drain := int .model.values.limits.requestTimeoutSeconds -}}
{{- $grace := add (int $config.shutdown.preStopSeconds) $drain (int $config.shutdown.bufferSeconds) -}}
{{- $load := int $config.startup.budgetSeconds -}}
{{- $leave := ternary 0 $grace $config.strategy.surge -}}
{{- $progress := add (int $config.startup.schedulingSeconds) $load (int $config.startup.minReadySeconds) $leave -}}
{{- $engines := max 1 (int (ternary $config.scaling.minReplicas $config.scaling.maxReplicas (eq $config.scaling.autoscaler "none"))) -}}
{{- $_ := set . "times" (dict
  "preStop" (int $config.shutdown.preStopSeconds)
  "drain" $drain
  "grace" $grace
  "load" $load
  "minReady" (int $config.startup.minReadySeconds)
  "progress" $progress
  "helm" (add (mul $engines $progress) 60)
) -}}
{{- end -}}
