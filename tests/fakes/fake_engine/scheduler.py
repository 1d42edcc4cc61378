"""Continuous batching: one loop of steps whose length grows with the batch and with the prompt tokens in it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fake_engine.faults import Faults
    from fake_engine.kv import KvCache
    from fake_engine.records import Records
    from fake_engine.settings import Settings

CUT = "cut"  # a request that never ran when the engine aborted: its stream ends without a finish_reason


@dataclass(slots=True, kw_only=True, eq=False)
class Sequence:
    """One request on its way through the engine; ``answer`` is decided when it arrives and handed out step by step."""

    prompt: list[int]
    answer: list[str]
    finish: str  # stop | length, when the answer is out
    asked_max_tokens: int | None = None
    arrived: float = field(default_factory=time.monotonic)
    scheduled: float = 0.0
    first_token: float = 0.0
    last_token: float = 0.0
    to_prefill: int = 0
    cached: int = 0
    blocks: int = 0
    done: int = 0  # tokens handed out
    preemptions: int = 0
    out: asyncio.Queue[tuple[str, str | None]] = field(default_factory=asyncio.Queue)  # text, finish_reason


class Scheduler:
    """Waiting and running sequences of one engine."""

    def __init__(
        self, *, settings: Settings, faults: Faults, kv: KvCache, records: Records, max_seqs: int, max_batched: int
    ) -> None:
        self.waiting: deque[Sequence] = deque()
        self.running: list[Sequence] = []
        self.stopping = False
        self._settings, self._faults, self._kv, self._records = settings, faults, kv, records
        self._max_seqs, self._max_batched = max_seqs, max_batched
        self._work = asyncio.Event()

    @property
    def unfinished(self) -> int:
        """Waiting and running: what --max-num-queued-reqs counts."""
        return len(self.waiting) + len(self.running)

    @property
    def queued_tokens(self) -> int:
        """Prompt tokens of requests that have not finished prefill: what --max-num-queued-tokens caps."""
        return sum(len(s.prompt) for s in (*self.waiting, *self.running) if not s.first_token)

    def submit(self, sequence: Sequence) -> None:
        """Queue a request."""
        self.waiting.append(sequence)
        self._publish()
        self._work.set()

    def drop(self, sequence: Sequence) -> None:
        """Forget a request whose client is gone; the real engine counts it nowhere."""
        if sequence in self.waiting:
            self.waiting.remove(sequence)
        elif sequence in self.running:
            self._leave(sequence)
        self._publish()

    def abort_all(self) -> None:
        """End every request now: the running with what they have, the waiting with nothing."""
        for sequence in list(self.running):
            self._finish(sequence, "", "abort")
        while self.waiting:
            self.waiting.popleft().out.put_nowait(("", CUT))
        self._publish()

    async def run(self) -> None:
        """Step for ever."""
        while True:
            if not self.unfinished:
                self._work.clear()
                await self._work.wait()
            self._admit()
            self._publish()
            if self._faults.hang or self._faults.dead:
                await asyncio.sleep(0.02)
                continue
            await self._step()

    def _admit(self) -> None:
        """First come, first served, while a slot is free and the prompt fits in the KV cache."""
        while self.waiting and len(self.running) < self._max_seqs:
            head = self.waiting[0]
            blocks = self._kv.need(len(head.prompt) + head.done + 1)
            if not self._kv.take(blocks):
                return
            head.blocks = blocks
            head.cached = self._kv.cached(head.prompt)
            head.to_prefill = len(head.prompt) + head.done - head.cached
            head.scheduled = head.scheduled or time.monotonic()
            self._records.scheduled(head)
            self.running.append(self.waiting.popleft())

    async def _step(self) -> None:
        """Spend the token budget on decodes first, then on prompts, wait as long as that takes, hand tokens out."""
        decodes = [s for s in self.running if not s.to_prefill]
        budget, prefilled = self._max_batched - len(decodes), 0
        chunks: list[tuple[Sequence, int]] = []
        for sequence in self.running:
            chunk = min(sequence.to_prefill, budget - prefilled)
            if chunk > 0:
                chunks.append((sequence, chunk))
                prefilled += chunk
        await asyncio.sleep(self._faults.slow * self._seconds(len(decodes), prefilled))
        for sequence, chunk in chunks:
            sequence.to_prefill -= chunk
        ready = [s for s in (*decodes, *(s for s, _ in chunks)) if s in self.running and not s.to_prefill]
        tokens = sum([self._emit(sequence) for sequence in ready])
        self._records.step(prefilled + tokens)
        self._publish()

    def _seconds(self, decodes: int, prefilled: int) -> float:
        settings = self._settings
        step = settings.itl_base_ms + settings.itl_per_sequence_ms * decodes
        return step / 1000 + prefilled / settings.prefill_tokens_per_second

    def _emit(self, sequence: Sequence) -> int:
        """Hand out one token, or preempt the youngest sequences until there is room for it; tokens handed out."""
        if sequence not in self.running:  # preempted by an older one in this step
            return 0
        more = self._kv.need(len(sequence.prompt) + sequence.done + 1) - sequence.blocks
        while more > 0 and not self._kv.take(more):
            youngest = self.running[-1]
            self._preempt(youngest)
            if youngest is sequence:
                return 0
        sequence.blocks += max(more, 0)
        now = time.monotonic()
        self._records.token(sequence, now)
        sequence.first_token = sequence.first_token or now
        sequence.last_token = now
        text = sequence.answer[sequence.done]
        sequence.done += 1
        if sequence.done == len(sequence.answer):
            self._finish(sequence, text, sequence.finish)
        else:
            sequence.out.put_nowait((text, None))
        return 1

    def _preempt(self, sequence: Sequence) -> None:
        self._leave(sequence)
        sequence.preemptions += 1
        self.waiting.appendleft(sequence)
        self._records.preempted()

    def _leave(self, sequence: Sequence) -> None:
        self.running.remove(sequence)
        self._kv.give(sequence.blocks)
        sequence.blocks = 0

    def _finish(self, sequence: Sequence, text: str, reason: str) -> None:
        self._leave(sequence)
        self._records.finished(sequence, reason)
        sequence.out.put_nowait((text, reason))

    def _publish(self) -> None:
        self._records.load(len(self.running), len(self.waiting), self._kv.usage)
