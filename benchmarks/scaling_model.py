"""Engines behind the gateway's queue, event by event, scaled by somebody.

An engine runs up to C requests at once. All of them make one token per step, whose time grows with how many run (the predictor of
``llmgen.sizing``); prompts are computed one after the other. The gateway lets ready engines x C requests through, holds ``queue`` more
for at most ``patience`` seconds in the order they came, and refuses the rest. A new engine answers after its load; one that leaves
finishes what it runs. Not modelled: preemption (C holds the longest requests), prefix caches, several gateway pods, clients that try
again.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from scaling_hpa import SYNC
from scaling_trace import Request

SCRAPE = 15
"""Seconds between two scrapes; what the autoscaler sees is up to that old."""
WARM_UP = 1800
"""Seconds at the start that count for nobody: how many engines run when a replay begins is arbitrary."""
PRE_STOP = 15
"""Seconds for which an engine that leaves keeps its GPUs at least."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What one engine can do. ``steps[b]`` seconds per token with b requests; ``first`` seconds to compute a prompt of n tokens."""

    concurrency: int
    kv_tokens: int
    steps: tuple[float, ...]
    first: Callable[[int], float]
    load: float
    gpus: int


@dataclass(frozen=True, slots=True)
class Gateway:
    """The bound of the queue in requests, and in seconds."""

    queue: int
    patience: float


class Decider(Protocol):
    """Says every SYNC seconds how many engines there shall be."""

    def decide(self, now: float, signals: Mapping[str, float], current: int, ready: int) -> int:
        """Return the size, of ``current`` asked for and ``ready`` ones."""


class Policy(Protocol):
    """Bounds, and who decides between them."""

    @property
    def least(self) -> int:
        """Engines at the least."""

    @property
    def most(self) -> int:
        """Engines at the most."""

    @property
    def smoothed(self) -> int:
        """Seconds over which running requests are averaged."""

    def decider(self, requests: Sequence[Request]) -> Decider:
        """Return who decides in a replay of ``requests``."""


@dataclass(slots=True)
class Result:
    """What users and the bill saw after the warm-up."""

    requests: int = 0
    good: int = 0
    refused: int = 0
    gpu_seconds: float = 0.0
    changes: int = 0

    @property
    def attainment(self) -> float:
        """Share of all requests whose first token came in time; refused ones did not."""
        return self.good / max(self.requests, 1)

    @property
    def gpu_hours(self) -> float:
        """GPU-hours from a pod's creation to its end."""
        return self.gpu_seconds / 3600


@dataclass(slots=True)
class Pod:
    """One engine's life. ``turn`` is its virtual time in tokens per request; ``ends`` holds at which turn each request ends."""

    born: float
    ready: bool = False
    leaving: bool = False
    gone: bool = False
    running: int = 0
    turn: float = 0.0
    since: float = 0.0
    prefill_until: float = 0.0
    held: float = 0.0
    version: int = 0
    ends: list[tuple[float, int]] = field(default_factory=list)


class Replay:
    """One replay of ``requests`` against one policy."""

    def __init__(
        self, engine: Engine, gateway: Gateway, policy: Policy, *, target: float, seed: int, start: int
    ) -> None:
        """``target`` is the TTFT that is promised; ``start`` engines are ready at the beginning."""
        self._engine, self._gateway, self._target = engine, gateway, target
        self._policy = policy
        self._dice = random.Random(seed)  # noqa: S311 -- a simulation
        self._pods = [Pod(born=0.0, ready=True) for _ in range(min(max(start, policy.least), policy.most))]
        self._queue: deque[Request] = deque()
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._count = 0
        self._seen: dict[str, float] = {}
        self._running: deque[int] = deque(maxlen=max(1, round(policy.smoothed / SCRAPE)))
        self.result = Result()

    def run(self, requests: Sequence[Request], seconds: float) -> Result:
        """Replay for ``seconds`` and return what came out."""
        self._decider = self._policy.decider(requests)
        self._at(self._dice.uniform(0, SCRAPE), self._scrape)
        self._at(SCRAPE + self._dice.uniform(0, SYNC), self._sync)
        events, position = self._events, 0
        while True:
            arrival = requests[position].at if position < len(requests) else seconds
            if events and events[0][0] <= arrival:
                if events[0][0] > seconds:
                    break
                now, _, act = heapq.heappop(events)
                act(now)
            elif position < len(requests) and arrival <= seconds:
                self._arrive(requests[position])
                position += 1
            else:
                break
        for pod in self._pods:
            self._bill(pod, seconds)
        return self.result

    def _at(self, when: float, act: Callable[[float], None]) -> None:
        self._count += 1
        heapq.heappush(self._events, (when, self._count, act))

    def _arrive(self, request: Request) -> None:
        if request.at >= WARM_UP:
            self.result.requests += 1
        self._expire(request.at)
        pod = None if self._queue else self._place()
        if pod is not None:
            self._admit(pod, request, request.at)
        elif len(self._queue) < self._gateway.queue:
            self._queue.append(request)
        elif request.at >= WARM_UP:
            self.result.refused += 1

    def _place(self) -> Pod | None:
        """Pick the emptier of two engines that have room."""
        limit = self._engine.concurrency
        free = [pod for pod in self._pods if pod.ready and not pod.leaving and pod.running < limit]
        if not free:
            return None
        # Cheaper than choice(), and called for every request.
        one, other = free[int(self._dice.random() * len(free))], free[int(self._dice.random() * len(free))]
        return one if one.running <= other.running else other

    def _admit(self, pod: Pod, request: Request, now: float) -> None:
        self._advance(pod, now)
        pod.prefill_until = max(now, pod.prefill_until) + self._engine.first(request.prompt)
        if request.at >= WARM_UP and pod.prefill_until - request.at <= self._target:
            self.result.good += 1
        pod.running += 1
        tokens = request.prompt + request.completion // 2
        pod.held += tokens
        before = (pod.prefill_until - now) / self._engine.steps[pod.running]
        heapq.heappush(pod.ends, (pod.turn + before + request.completion, tokens))
        self._next_end(pod, now)

    def _advance(self, pod: Pod, now: float) -> None:
        if pod.running:
            pod.turn += (now - pod.since) / self._engine.steps[pod.running]
        pod.since = now

    def _next_end(self, pod: Pod, now: float) -> None:
        pod.version += 1
        if pod.ends:
            version, wait = pod.version, max(pod.ends[0][0] - pod.turn, 0.0) * self._engine.steps[pod.running]
            self._at(now + wait, lambda then: self._end(pod, version, then))

    def _end(self, pod: Pod, version: int, now: float) -> None:
        if version != pod.version:
            return
        self._advance(pod, now)
        _, tokens = heapq.heappop(pod.ends)
        pod.running -= 1
        pod.held -= tokens
        self._next_end(pod, now)
        if pod.leaving and not pod.running:
            self._remove(pod, now)
        self._drain_queue(now)

    def _drain_queue(self, now: float) -> None:
        self._expire(now)
        while self._queue and (pod := self._place()) is not None:
            self._admit(pod, self._queue.popleft(), now)

    def _expire(self, now: float) -> None:
        while self._queue and now - self._queue[0].at > self._gateway.patience:
            late = self._queue.popleft()
            self.result.refused += late.at >= WARM_UP

    def _scrape(self, now: float) -> None:
        self._expire(now)
        up = [pod for pod in self._pods if pod.ready]
        running = sum(pod.running for pod in up)
        self._running.append(running)
        self._seen = {
            "inflight": sum(self._running) / len(self._running) + len(self._queue),
            "running": running,
            "waiting": len(self._queue),
            "kv": sum(pod.held for pod in up) / max(len(up), 1) / self._engine.kv_tokens,
            "gpu": sum(pod.running > 0 for pod in up) / max(len(up), 1),
        }
        self._at(now + SCRAPE, self._scrape)

    def _sync(self, now: float) -> None:
        asked = [pod for pod in self._pods if not pod.leaving]
        wanted = self._decider.decide(now, self._seen, len(asked), sum(pod.ready for pod in asked))
        if wanted != len(asked):
            self.result.changes += now >= WARM_UP
        for _ in range(wanted - len(asked)):
            pod = Pod(born=now)
            self._pods.append(pod)
            load = self._engine.load * self._dice.uniform(1.0, 1.3)
            self._at(now + load, lambda then, pod=pod: self._loaded(pod, then))  # type: ignore[misc]
        # Kubernetes takes what is not ready first, then the youngest.
        for pod in sorted(asked, key=lambda pod: (pod.ready, -pod.born))[: max(len(asked) - wanted, 0)]:
            pod.leaving = True
            if not pod.running:
                self._remove(pod, now)
        self._at(now + SYNC, self._sync)

    def _loaded(self, pod: Pod, now: float) -> None:
        if not pod.gone:
            pod.ready, pod.since = True, now
            self._drain_queue(now)

    def _remove(self, pod: Pod, now: float) -> None:
        pod.gone = True
        self._pods.remove(pod)
        self._bill(pod, now + PRE_STOP)

    def _bill(self, pod: Pod, end: float) -> None:
        self.result.gpu_seconds += max(0.0, end - max(pod.born, WARM_UP)) * self._engine.gpus
