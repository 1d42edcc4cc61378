"""One question to Prometheus at a time, with the standard library."""

from __future__ import annotations

import json
import math
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

PATIENCE_SECONDS = 20


class PrometheusError(Exception):
    """No answer that can be used; the message says why."""


class Prometheus:
    """The HTTP API at ``address``, such as http://prometheus.monitoring:9090."""

    def __init__(self, address: str) -> None:
        """Take an address. Raises PrometheusError for one that is no HTTP URL."""
        if urlsplit(address).scheme not in {"http", "https"}:
            raise PrometheusError(f"{address!r} is no http:// or https:// address")
        self.address = address.rstrip("/")

    def value(self, query: str, *, at: float) -> float | None:
        """Return the one number that ``query`` answers at Unix time ``at``; None where there is no data.

        Raises PrometheusError when it cannot be asked, refuses, or answers several series.
        """
        request = Request(f"{self.address}/api/v1/query?{urlencode({'query': query, 'time': f'{at:.3f}'})}")  # noqa: S310 -- http(s) only
        try:
            with urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
                data = json.load(answer)
        except HTTPError as error:
            raise PrometheusError(f"{self.address} answered {error.code}: {_reason(error)}") from error
        except (URLError, OSError, ValueError) as error:
            raise PrometheusError(f"{self.address} does not answer: {getattr(error, 'reason', error)}") from error
        try:
            series = data["data"]["result"]
            if len(series) > 1:
                raise PrometheusError(f"{len(series)} series where one was asked for: {query}")
            number = float(series[0]["value"][1]) if series else math.nan
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise PrometheusError(f"{self.address} answered what is no Prometheus: {str(data)[:80]}") from error
        return number if math.isfinite(number) else None


def _reason(error: HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError, TypeError, OSError):
        return str(error.reason)
