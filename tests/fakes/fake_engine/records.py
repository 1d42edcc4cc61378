"""Which metric moves when: the same moments as in vllm/v1/metrics/loggers.py of 0.32."""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fake_engine.metrics import Registry
    from fake_engine.scheduler import Sequence

UNINSTRUMENTED = {"/metrics", "/health", "/load", "/ping", "/version", "/server_info"}


class Records:
    """Writes what happens into the registry."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._started = time.time()
        registry.put("vllm:engine_sleep_state", 1, sleep_state="awake")
        version = {"version": sys.version.split()[0], "patchlevel": str(sys.version_info[2])}
        registry.relabel("python_info", version | {"minor": str(sys.version_info[1])})

    def load(self, running: int, waiting: int, kv: float) -> None:
        put = self.registry.put
        put("vllm:num_requests_running", running)
        put("vllm:num_requests_waiting", waiting)
        put("vllm:num_requests_waiting_by_reason", waiting, reason="capacity")
        put("vllm:kv_cache_usage_perc", kv)

    def rejected(self, reason: str) -> None:
        self.registry.add("vllm:admission_rejections_total", reason=reason)

    def preempted(self) -> None:
        self.registry.add("vllm:num_preemptions_total")

    def scheduled(self, sequence: Sequence) -> None:
        self.registry.add("vllm:prefix_cache_queries_total", len(sequence.prompt))
        self.registry.add("vllm:prefix_cache_hits_total", sequence.cached)

    def step(self, tokens: int) -> None:
        self.registry.observe("vllm:iteration_tokens_total", tokens)

    def token(self, sequence: Sequence, now: float) -> None:
        add, observe = self.registry.add, self.registry.observe
        add("vllm:generation_tokens_total")
        if sequence.first_token:
            observe("vllm:inter_token_latency_seconds", now - sequence.last_token)
            return
        observe("vllm:time_to_first_token_seconds", now - sequence.arrived)
        add("vllm:prompt_tokens_total", len(sequence.prompt))
        add("vllm:prompt_tokens_cached_total", sequence.cached)
        add("vllm:prompt_tokens_cached_by_source_total", sequence.cached, source="device")
        add("vllm:prompt_tokens_by_source_total", len(sequence.prompt) - sequence.cached, source="local_compute")
        add("vllm:prompt_tokens_by_source_total", sequence.cached, source="local_cache_hit")

    def finished(self, sequence: Sequence, reason: str) -> None:
        observe, now = self.registry.observe, time.monotonic()
        self.registry.add("vllm:request_success_total", finished_reason=reason)
        first, last = sequence.first_token or now, sequence.last_token or now
        observe("vllm:e2e_request_latency_seconds", now - sequence.arrived)
        observe("vllm:request_queue_time_seconds", sequence.scheduled - sequence.arrived)
        observe("vllm:request_prefill_time_seconds", first - sequence.scheduled)
        observe("vllm:request_inference_time_seconds", last - sequence.scheduled)
        observe("vllm:request_decode_time_seconds", last - first)
        if sequence.done > 1:
            observe("vllm:request_time_per_output_token_seconds", (last - first) / (sequence.done - 1))
        observe("vllm:request_prompt_tokens", len(sequence.prompt))
        observe("vllm:request_generation_tokens", sequence.done)
        observe("vllm:request_max_num_generation_tokens", sequence.done)
        observe("vllm:request_prefill_kv_computed_tokens", len(sequence.prompt) - sequence.cached)
        observe("vllm:request_params_n", 1)
        observe("vllm:request_num_preemptions", sequence.preemptions)
        if sequence.asked_max_tokens is not None:
            observe("vllm:request_params_max_tokens", sequence.asked_max_tokens)

    def http(self, *, handler: str, method: str, status: int, seconds: float, received: int, sent: int) -> None:
        """One HTTP exchange, where it is instrumented at all; ``sent`` is 0 for a stream, which has no length."""
        if handler in UNINSTRUMENTED:
            return
        group = f"{status // 100}xx"
        self.registry.add("http_requests_total", handler=handler, method=method, status=group)
        self.registry.observe("http_request_size_bytes", received, handler=handler)
        self.registry.observe("http_response_size_bytes", sent, handler=handler)
        self.registry.observe("http_request_duration_highr_seconds", seconds)
        self.registry.observe("http_request_duration_seconds", seconds, handler=handler, method=method)

    def render(self) -> str:
        """Refresh what the process itself knows, and print everything."""
        put = self.registry.put
        fields = Path("/proc/self/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
        put("process_virtual_memory_bytes", int(fields[20]))
        put("process_resident_memory_bytes", int(fields[21]) * page)
        put("process_cpu_seconds_total", (int(fields[11]) + int(fields[12])) / ticks)
        put("process_start_time_seconds", self._started)
        put("process_open_fds", len(list(Path("/proc/self/fd").iterdir())))
        put("process_max_fds", os.sysconf("SC_OPEN_MAX"))
        for generation, stats in enumerate(gc.get_stats()):
            put("python_gc_collections_total", stats["collections"], generation=str(generation))
            put("python_gc_objects_collected_total", stats["collected"], generation=str(generation))
        return self.registry.render()
