"""Leaving and deadlines, without a server."""

from __future__ import annotations

import asyncio
import time

import pytest

from llm_gateway.server.incoming import Incoming
from llm_gateway.server.interrupt import Interrupt, Pulse


class Silent:
    """A connection on which nothing happens."""

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def go_on(self) -> None: ...


def test_a_client_that_leaves_ends_the_request_even_if_it_left_before_anyone_looked() -> None:
    async def main() -> None:
        for early in (True, False):
            request = Incoming(Silent(), "POST", "/", {})
            interrupt = Interrupt(asyncio.current_task())
            if early:
                request.lose()
            else:
                asyncio.get_running_loop().call_later(0.02, request.lose)
            interrupt.watch(request)
            began = time.monotonic()
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                assert interrupt.caught()
            assert interrupt.reason == "client_left"
            assert time.monotonic() - began < 1
            await asyncio.sleep(0)  # the task goes on
            interrupt.close()

    asyncio.run(main())


def test_a_cancellation_that_is_not_ours_is_told_apart() -> None:
    async def main() -> None:
        async def request() -> None:
            interrupt = Interrupt(asyncio.current_task())
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                assert not interrupt.caught()
                raise

        task = asyncio.create_task(request())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_nothing_interrupts_once_it_is_closed() -> None:
    async def main() -> None:
        interrupt = Interrupt(asyncio.current_task())
        interrupt.deadline(0.01, "total")
        interrupt.close()
        interrupt.cut("client_left")
        await asyncio.sleep(0.03)
        assert interrupt.reason is None

    asyncio.run(main())


@pytest.mark.parametrize(("writing", "reason"), [(False, "idle"), (True, "slow_reader")])
def test_one_timer_keeps_both_deadlines_of_a_stream(writing: bool, reason: str) -> None:  # noqa: FBT001 -- a case
    async def main() -> None:
        interrupt = Interrupt(asyncio.current_task())
        pulse = Pulse(interrupt, idle=0.05, write=0.15) if not writing else Pulse(interrupt, idle=5, write=0.05)
        for _ in range(6):  # as long as it beats, nothing happens
            await asyncio.sleep(0.02)
            pulse.since = time.monotonic()
        pulse.writing = writing
        began = time.monotonic()
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            assert interrupt.caught()
        assert interrupt.reason == reason
        assert time.monotonic() - began < 0.5
        pulse.close()

    asyncio.run(main())
