"""What engines and their GPUs do."""

from __future__ import annotations

from llmgen.dashboards.model import Dashboard, Panel, Row, line, percentiles

_REVISION = "{{llm_model}} {{llm_revision}}"
_BY_REVISION = "llm_model, llm_revision"
_JOIN = "* on (namespace, deployment) group_left (llm_model, llm_revision) <rules.deployment>{<models>}"
_HPA = "* on (namespace, horizontalpodautoscaler) group_left (llm_model, llm_revision) <rules.scaler>{<models>}"
_POD = "* on (namespace, pod) group_left (llm_model, llm_revision) <rules.pod>{<models>}"

_CAPACITY = Row(
    title="Capacity",
    panels=(
        Panel(
            title="Engines: ready, wanted, at most", unit="short",
            description="Engines of each revision that are available, that are asked for, that the autoscaler wants, and its upper bound.",
            queries=(
                line(f"sum by ({_BY_REVISION}) (<kubeState.deploymentAvailable>{{<namespace>}} {_JOIN})", f"{_REVISION} ready"),
                line(f"sum by ({_BY_REVISION}) (<kubeState.deploymentReplicas>{{<namespace>}} {_JOIN})", f"{_REVISION} wanted"),
                line(f"sum by ({_BY_REVISION}) (<kubeState.hpaDesired>{{<namespace>}} {_HPA})", f"{_REVISION} autoscaler"),
                line(f"max by ({_BY_REVISION}) (<rules.enginesMax>{{<models>}})", f"{_REVISION} at most"),
            ),
        ),
        Panel(
            title="Running per engine", description="Requests in the batch of each engine, and how many it takes.", unit="short",
            queries=(
                line("sum by (pod) (<engine.running>{<models>})", "{{pod}}"),
                line(f"max by ({_BY_REVISION}) (<rules.concurrency>{{<models>}})", f"{_REVISION} at most"),
            ),
        ),
        Panel(
            title="Queue depth in engines", unit="short", stacked=True,
            description="Requests that wait in an engine, for capacity, or deferred because an adapter or a transfer is missing.",
            queries=(line(f"sum by ({_BY_REVISION}, reason) (<engine.waitingByReason>{{<models>}})", f"{_REVISION} {{{{reason}}}}"),),
        ),
    ),
)  # fmt: skip

_MEMORY = Row(
    title="KV cache",
    panels=(
        Panel(
            title="KV cache used", description="Used share of each engine's KV cache.", unit="percentunit", most=1,
            queries=(line("max by (pod) (<engine.kvUsage>{<models>})", "{{pod}}"),),
        ),
        Panel(
            title="Preemptions", description="Requests thrown out of the batch because the KV cache was full, per second.", unit="reqps",
            queries=(line("sum by (pod) (rate(<engine.preemptions>{<models>}[$__rate_interval]))", "{{pod}}"),),
        ),
        Panel(
            title="Prefix cache hits", description="Share of looked-up prompt tokens that the prefix cache had.", unit="percentunit", most=1,
            queries=(line(
                f"sum by ({_BY_REVISION}) (rate(<engine.prefixHits>{{<models>}}[$__rate_interval]))"
                f" / sum by ({_BY_REVISION}) (rate(<engine.prefixQueries>{{<models>}}[$__rate_interval]))", _REVISION
            ),),
        ),
    ),
)  # fmt: skip

_GPU = Row(
    title="GPUs",
    panels=(
        Panel(
            title="GPU utilisation", unit="percentunit", most=1,
            description="Share of time in which a kernel ran. One request is enough for 100 %: no measure of load.",
            queries=(line("max by (pod, gpu) (<rules.gpuUtil>{<models>})", "{{pod}} GPU {{gpu}}"),),
        ),
        Panel(
            title="GPU memory used", description="Used share of each GPU's memory.", unit="percentunit", most=1,
            queries=(line("max by (pod, gpu) (<rules.gpuMemory>{<models>})", "{{pod}} GPU {{gpu}}"),),
        ),
        Panel(
            title="GPU errors (XID)", description="The last XID that the driver reported for each GPU; 0 is none.", unit="short",
            queries=(line("max by (pod, gpu) (<rules.gpuXid>{<models>})", "{{pod}} GPU {{gpu}}"),),
        ),
    ),
)  # fmt: skip

_LIFE = Row(
    title="Loads and faults",
    panels=(
        Panel(
            title="Model load duration", unit="s",
            description="From container start to ready, of each engine's last load, and the budget after which it is restarted.",
            queries=(
                line("max by (pod) (<rules.loadSeconds>{<models>})", "{{pod}}"),
                line(f"max by ({_BY_REVISION}) (<rules.loadBudget>{{<models>}})", f"{_REVISION} budget"),
            ),
        ),
        Panel(
            title="Restarts and OOM events", unit="short",
            description="Restarts of engine containers, those after the kernel killed it for memory, and killed processes, in ten minutes.",
            queries=(
                line(f'sum by (pod) (increase(<kubeState.containerRestarts>{{<namespace>,container="engine"}}[10m]) {_POD})', "{{pod}} restarts"),
                line(
                    f'sum by (pod) ((increase(<kubeState.containerRestarts>{{<namespace>,container="engine"}}[10m]) and on (namespace, pod, container)'
                    f' <kubeState.lastTerminated>{{<namespace>,reason="OOMKilled"}} == 1) {_POD})', "{{pod}} out of memory"
                ),
                line(f'sum by (pod) (increase(<cadvisor.oomEvents>{{<namespace>,container="engine"}}[10m]) {_POD})', "{{pod}} killed processes"),
            ),
        ),
        Panel(
            title="Host memory", description="Memory of each engine's container that the kernel cannot take back.", unit="bytes",
            queries=(line(f'sum by (pod) (<cadvisor.workingSet>{{<namespace>,container="engine"}} {_POD})', "{{pod}}"),),
        ),
        Panel(
            title="Finished by reason", unit="reqps", stacked=True,
            description="stop is a complete answer, length one cut by its limit, abort one cut because the engine stopped, error a failure.",
            queries=(line("sum by (finished_reason) (rate(<engine.finished>{<models>}[$__rate_interval]))", "{{finished_reason}}"),),
        ),
        Panel(
            title="HTTP errors and refusals", unit="reqps",
            description="Answers of the engines' servers by status class, and requests refused because an engine's queue was full (part of 5xx).",
            queries=(
                line('sum by (status) (rate(<engine.http>{<models>,handler=~"/v1/.*",status!="2xx"}[$__rate_interval]))', "{{status}}"),
                line("sum by (reason) (rate(<engine.rejections>{<models>}[$__rate_interval]))", "{{reason}}"),
            ),
        ),
        Panel(
            title="Pods pending or not ready", description="Engines without a node, and engines that load or drain.", unit="short",
            queries=(
                line(f'sum by ({_BY_REVISION}) (<kubeState.podPhase>{{<namespace>,phase="Pending"}} {_POD})', f"{_REVISION} pending"),
                line(f'sum by ({_BY_REVISION}) (<kubeState.podReady>{{<namespace>,condition="false"}} {_POD})', f"{_REVISION} not ready"),
            ),
        ),
    ),
)  # fmt: skip

_LATENCY = Row(
    title="Latency in engines",
    panels=(
        Panel(
            title="Time to first token", description="Inside the engine, its own queue included.", unit="s",
            queries=percentiles("<engine.ttft_bucket>{<models>}", _BY_REVISION, _REVISION),
        ),
        Panel(
            title="Time between tokens", description="Between two tokens of a stream.", unit="s",
            queries=percentiles("<engine.itl_bucket>{<models>}", _BY_REVISION, _REVISION),
        ),
        Panel(
            title="Time in the engine's queue", description="Observed when a request finishes.", unit="s",
            queries=percentiles("<engine.queueTime_bucket>{<models>}", _BY_REVISION, _REVISION),
        ),
    ),
)  # fmt: skip

ENGINES = Dashboard(
    uid="llm-serving-engines",
    title="LLM serving / Engines",
    description="Engines, their GPUs, and how they load and fail.",
    rows=(_CAPACITY, _MEMORY, _GPU, _LIFE, _LATENCY),
)
