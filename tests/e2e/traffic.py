"""Steady traffic from inside the cluster: runs in a pod, straight to a Service, and writes one JSON line per request.

Arguments: URL, model, requests per second, and the lengths in tokens that requests take in turn. A new connection for each request, so
that every one goes where the Service sends it now. SIGTERM: no new requests, wait for those under way, exit 0.
"""

import asyncio
import contextlib
import json
import signal
import sys
import time
import urllib.parse

PATIENCE = 120.0  # seconds for one request


async def ask(host: str, port: int, model: str, tokens: int) -> dict[str, object]:
    """Stream one chat; ``finish`` is None when the stream ended without saying why."""
    record: dict[str, object] = {"asked": tokens, "got": 0, "status": 0, "finish": None, "done": False}
    body = {"model": model, "stream": True, "max_tokens": tokens, "ignore_eos": True}
    data = json.dumps(body | {"messages": [{"role": "user", "content": "Count."}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(data)}\r\nconnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection(host, port)
    with contextlib.closing(writer):
        writer.write(head.encode() + data)
        record["status"] = int((await reader.readline()).split()[1])
        while line := await reader.readline():
            if line.startswith(b"data: [DONE]"):
                record["done"] = True
            elif line.startswith(b"data: "):
                for choice in json.loads(line[6:])["choices"]:
                    record["got"] += bool(choice["delta"].get("content"))
                    record["finish"] = choice["finish_reason"] or record["finish"]
    return record


async def one(number: int, host: str, port: int, model: str, tokens: int) -> None:
    """One request, whatever becomes of it, as a line."""
    began = time.time()
    try:
        record = await asyncio.wait_for(ask(host, port, model, tokens), PATIENCE)
    except (OSError, ValueError, IndexError, TimeoutError, asyncio.IncompleteReadError) as error:
        record = {"asked": tokens, "error": f"{type(error).__name__}: {error}"}
    times = {"number": number, "began": round(began, 3), "ended": round(time.time(), 3)}
    sys.stdout.write(json.dumps(times | record) + "\n")
    sys.stdout.flush()


async def main(url: str, model: str, rate: float, lengths: list[int]) -> None:
    """Keep asking until told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    parts = urllib.parse.urlsplit(url)
    running: set[asyncio.Task[None]] = set()
    number, start = 0, time.monotonic()
    while not stop.is_set():
        tokens = lengths[number % len(lengths)]
        running.add(asyncio.create_task(one(number, parts.hostname, parts.port, model, tokens)))
        number += 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), max(0.0, start + number / rate - time.monotonic()))
    await asyncio.gather(*running)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), [int(text) for text in sys.argv[4:]]))
