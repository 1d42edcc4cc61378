"""Questions to Prometheus: through the API server where its address is one of the cluster, else directly."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from urllib.parse import urlencode, urlsplit

from llmgen.doctor.api import PATIENCE_SECONDS, ApiError, ForbiddenError, Reader, UnreachableError

_IN_CLUSTER = re.compile(r"([a-z0-9-]+)\.([a-z0-9-]+)(\.svc(\..+)?)?")


class QueryError(ApiError):
    """Prometheus does not understand the query; the message is its own."""


class Prober:
    """One Prometheus."""

    def __init__(self, reader: Reader, address: str | None, override: str | None = None) -> None:
        """``address`` is the spec's, as pods of the cluster reach it; ``override`` the one that this machine reaches."""
        self.address, self._override, self._reader = address, override, reader

    @property
    def there(self) -> bool:
        """Whether there is a Prometheus to ask."""
        return bool(self.address or self._override)

    def series(self, query: str) -> int:
        """Return how many series answer ``query`` now. Raises QueryError, ForbiddenError, UnreachableError."""
        status, body = self._ask(query)
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if isinstance(answer, dict) and answer.get("kind") == "Status":  # the API server's own, about the Service
            raise UnreachableError(f"{self.address} cannot be reached: {answer.get('message') or status}")
        if not isinstance(answer, dict) or answer.get("status") not in ("success", "error"):
            raise UnreachableError(f"{self._override or self.address} answers {status}, and not as Prometheus does")
        if answer["status"] == "error":
            raise QueryError(str(answer.get("error")))
        result = answer["data"]["result"]
        return 1 if answer["data"]["resultType"] in ("scalar", "string") else len(result)

    def _ask(self, query: str) -> tuple[int, str]:
        if self._override:
            return self._direct(self._override, query)
        address = self.address or ""
        path = proxied(address)
        if path is None:
            return self._direct(address, query)
        try:
            return self._reader.ask(path, {"query": query})
        except ForbiddenError as forbidden:
            try:  # inside the cluster the address itself may do
                return self._direct(address, query)
            except UnreachableError:
                raise forbidden from None

    @staticmethod
    def _direct(address: str, query: str) -> tuple[int, str]:
        if urlsplit(address).scheme not in ("http", "https"):
            raise UnreachableError(f"{address} is no http address")
        url = f"{address.rstrip('/')}/api/v1/query?{urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 -- the scheme is checked
                return int(answer.status), answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except (OSError, ValueError) as error:
            raise UnreachableError(f"{address} does not answer from here: {error}") from error


def proxied(address: str) -> str | None:
    """Return the path under which the API server forwards to a Service's query API, None for an address outside the cluster."""
    parts = urlsplit(address)
    found = _IN_CLUSTER.fullmatch(parts.hostname or "")
    if found is None or (found[3] is None and found[2] in ("com", "org", "net", "io", "dev")):
        return None
    port = parts.port or (443 if parts.scheme == "https" else 80)
    scheme = "https:" if parts.scheme == "https" else ""
    prefix = parts.path.rstrip("/")
    return f"/api/v1/namespaces/{found[2]}/services/{scheme}{found[1]}:{port}/proxy{prefix}/api/v1/query"
