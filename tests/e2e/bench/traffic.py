"""Steady traffic with the openai client, as a service that depends on the platform would send it: one JSON line per request.

One argument, JSON: url, key, model; rate, requests per second, or [from, to, seconds], rising and then kept; lengths, the tokens that
requests ask for in turn. Every third request is not streamed. max_retries is 0: a loss that a retry would hide is seen.
SIGTERM: no new requests, wait for those under way, exit 0.
"""

import asyncio
import contextlib
import json
import signal
import sys
import time

import openai

PATIENCE = 120.0  # seconds for one request
WHOLE = 3  # every n-th request is not streamed


async def ask(client: openai.AsyncOpenAI, model: str, number: int, tokens: int, record: dict[str, object]) -> None:
    """Fill ``record`` as the answer comes: ``revision`` is what the gateway decided, ``usage`` comes last."""
    streamed = number % WHOLE != 0
    record |= {"stream": streamed}
    arguments = {
        "model": model,
        # Another conversation each time: the gateway keeps a conversation on its track.
        "messages": [{"role": "user", "content": f"Count from {number}, {time.time_ns()}."}],
        "max_tokens": tokens,
        "extra_body": {"ignore_eos": True},
        "extra_headers": {"x-llm-explain": "1"},
    }
    if streamed:
        arguments |= {"stream": True, "stream_options": {"include_usage": True}}
    raw = await client.chat.completions.with_raw_response.create(**arguments)
    record |= {"status": raw.status_code, "request_id": raw.headers.get("x-request-id")}
    record |= {"decision": raw.headers.get("x-llm-decision", ""), "fallback": raw.headers.get("x-llm-fallback")}
    if streamed:
        async for chunk in raw.parse():
            for choice in chunk.choices:
                record["got"] += bool(choice.delta.content)
                record["finish"] = choice.finish_reason or record["finish"]
            if chunk.usage:
                record["usage"] = chunk.usage.completion_tokens
        return
    answer = raw.parse()
    record |= {"finish": answer.choices[0].finish_reason, "usage": answer.usage.completion_tokens}
    record["got"] = tokens if answer.choices[0].message.content else 0


async def one(client: openai.AsyncOpenAI, model: str, number: int, tokens: int) -> None:
    """One request, whatever becomes of it, as a line."""
    record: dict[str, object] = {
        "number": number,
        "began": round(time.time(), 3),
        "asked": tokens,
        "got": 0,
        "finish": None,
    }
    try:
        await ask(client, model, number, tokens, record)
    except openai.APIStatusError as error:
        record |= {"status": error.status_code, "error": str(error), "code": error.code}
    except (openai.OpenAIError, OSError, ValueError) as error:
        record["error"] = f"{type(error).__name__}: {error} ({error.__cause__!r})"
    except Exception as error:  # noqa: BLE001 -- httpx's own errors while a stream is read: a client sees them too
        record["error"] = f"{type(error).__name__}: {error}"
    record["ended"] = round(time.time(), 3)
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


def pace(rate: object, elapsed: float) -> float:
    """Requests per second, ``elapsed`` seconds after the start."""
    if isinstance(rate, list):
        low, high, seconds = rate
        return float(low + (high - low) * min(1.0, elapsed / seconds))
    return float(rate)


async def main(url: str, key: str, model: str, rate: object, lengths: list[int]) -> None:
    """Keep asking until told to stop."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    running: set[asyncio.Task[None]] = set()
    async with openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0, timeout=PATIENCE) as client:
        number, start, due = 0, time.monotonic(), time.monotonic()
        while not stop.is_set():
            running.add(asyncio.create_task(one(client, model, number, lengths[number % len(lengths)])))
            number += 1
            due += 1 / pace(rate, time.monotonic() - start)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), max(0.0, due - time.monotonic()))
        await asyncio.gather(*running)


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
