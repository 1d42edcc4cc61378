"""A Prometheus that answers what a test says, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Answers = Mapping[str, float | str | None]


class Fake:
    """``answers`` maps parts of a query to its value: all parts of a key, separated by blanks, must be in the query."""

    def __init__(self, answers: Answers) -> None:
        self.answers = dict(answers)
        self.asked: list[str] = []
        self.address = ""

    def value(self, query: str) -> float | str | None:
        found = [key for key in self.answers if all(part in query for part in key.split())]
        return self.answers[max(found, key=len)] if found else None


@contextmanager
def serving(answers: Answers) -> Iterator[Fake]:
    """Serve ``answers`` over HTTP; None is an empty result, the rest is the value of one series."""
    fake = Fake(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = parse_qs(parts.query)["query"][0]
            fake.asked.append(query)
            value = fake.value(query)
            if value == "refuse":
                self._answer(422, {"status": "error", "error": "no such function"})
                return
            series = [] if value is None else [{"metric": {}, "value": [0, str(value)]}]
            if value == "several":
                series = [{"metric": {"a": str(one)}, "value": [0, "1"]} for one in range(2)]
            self._answer(200, {"status": "success", "data": {"resultType": "vector", "result": series}})

        def _answer(self, status: int, data: object) -> None:
            body = json.dumps(data).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()


HEALTHY: Answers = {
    "llm_gateway_endpoints": 12,
    "llm_gateway_brake": 0,
    "vllm:request_success_total": 1000,
    "vllm:request_success_total error": 0,
    "vllm:request_success_total length": 100,
    "http_requests_total": 1000,
    "http_requests_total 5xx": 2,
    "vllm:admission_rejections_total": 2,
    "vllm:time_to_first_token_seconds_bucket": 0.5,
    "vllm:request_time_per_output_token_seconds_bucket": 0.03,
    "llm_gateway_answers_total": 1000,
    "llm_gateway_refusals_total": 1,
    "llm_gateway_structured_answers_total valid|invalid": 400,
    'llm_gateway_structured_answers_total result="invalid"': 2,
}
"""Both revisions alike, and twelve ready engines of the canary."""
