"""What a request leaves behind: nothing that only a garbage collection would find. Those are rare in a gateway (`cli.QUIET_GENERATIONS`)."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path

import pytest
from tests.gateway.wire.lab import Mock, Script, either, prompt, raw, running, settings, whole

from llm_gateway.server.exchange import Exchange
from llm_gateway.upstream.response import Response

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: "
SCRIPTS = {
    "an answer": either,
    "no answer": raw(b"", abort=True),
    "a cut answer": raw(HEAD + b"application/json\r\ncontent-length: 50\r\n\r\n{", abort=True),
    "a cut stream": raw(HEAD + b"text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:", abort=True),
    "no HTTP": raw(b"\x00\x01garbage\r\n\r\n"),
    "an error": whole(500),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_nothing_is_left_for_the_collector(tmp_path: Path, script: Script, stream: bool) -> None:  # noqa: FBT001
    async def main() -> None:
        async with Mock(script) as engine, running(settings(engine.url), tmp_path / "log") as lab:
            gc.collect()
            gc.disable()
            try:
                for number in range(12):
                    await lab.ask(prompt(f"question {number}", stream=stream))
                await lab.finished(12)
                await asyncio.sleep(0)
                left = [kept for kept in gc.get_objects() if isinstance(kept, (Response, Exchange))]
            finally:
                gc.enable()
            assert len(left) < 3, "at most the last one, which its connection still knows"

    asyncio.run(main())
