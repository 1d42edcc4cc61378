"""The Kubernetes API, read only: nothing here sends anything but GET."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode

Object = Mapping[str, Any]

PATIENCE_SECONDS = 15
"""Longest wait for one answer: an API server that takes longer is the finding."""
PAGE = 500
"""Objects asked for at once: what kubectl asks for."""


class ApiError(Exception):
    """The API did not answer with what was asked for; the message says why."""


class MissingError(ApiError):
    """There is no such object, or no such kind."""


class ForbiddenError(ApiError):
    """The user lacks a right; ``verb``, ``resource`` and ``namespace`` say which."""

    def __init__(self, path: str, *, listing: bool) -> None:
        """Derive the right from the path that was asked for."""
        self.verb = "list" if listing else "get"
        self.resource, self.namespace = right(path, listing=listing)
        super().__init__(f"{self.verb} {self.resource}" + (f" in {self.namespace}" if self.namespace else ""))


class UnreachableError(ApiError):
    """No answer at all."""


class Api(Protocol):
    """Something that answers GET."""

    server: str

    def get(self, path: str, query: Mapping[str, str]) -> tuple[int, str]:
        """Return (status, body). Raises UnreachableError."""


class Reader:
    """Asks each thing once and remembers it."""

    def __init__(self, api: Api) -> None:
        """Read through ``api``."""
        self.server = api.server
        self._api = api
        self._known: dict[tuple[str, ...], Any] = {}

    def one(self, path: str) -> Object | None:
        """Return the object at ``path``, None where there is none. Raises ForbiddenError, UnreachableError, ApiError."""
        try:
            found: Object = self._get(path, {}, listing=False)
        except MissingError:
            return None
        return found

    def all(self, path: str, **selectors: str) -> tuple[Object, ...]:
        """Return every object of a listing, nothing for a kind that is not there. Raises ForbiddenError, UnreachableError, ApiError."""
        try:
            return tuple(self._pages(path, selectors))
        except MissingError:
            return ()

    def ask(self, path: str, query: Mapping[str, str]) -> tuple[int, str]:
        """Return (status, body) of what something behind the API server answers. Raises ForbiddenError, UnreachableError."""
        status, body = self._api.get(path, query)
        if status in (401, 403):
            _answer(path, status, body, listing=False)
        return status, body

    def _pages(self, path: str, selectors: Mapping[str, str]) -> Iterator[Object]:
        after = ""
        while True:
            query = {**selectors, "limit": str(PAGE), **({"continue": after} if after else {})}
            page = self._get(path, query, listing=True)
            yield from page.get("items") or ()
            after = (page.get("metadata") or {}).get("continue") or ""
            if not after:
                return

    def _get(self, path: str, query: Mapping[str, str], *, listing: bool) -> Any:  # noqa: ANN401 -- any JSON
        key = (path, *(f"{name}={value}" for name, value in sorted(query.items())))
        if key not in self._known:
            try:
                self._known[key] = _answer(path, *self._api.get(path, query), listing=listing)
            except ApiError as error:
                self._known[key] = error
        if isinstance(self._known[key], ApiError):
            raise self._known[key]
        return self._known[key]


def _answer(path: str, status: int, body: str, *, listing: bool) -> Any:  # noqa: ANN401 -- any JSON
    if status == 404:  # noqa: PLR2004 -- HTTP
        raise MissingError(path)
    if status == 401:  # noqa: PLR2004
        raise UnreachableError("the API server does not know this user (401): log in again")
    if status == 403:  # noqa: PLR2004
        raise ForbiddenError(path, listing=listing)
    if status >= 400:  # noqa: PLR2004
        raise ApiError(f"{path} answered {status}: {body[:200]}")
    try:
        return json.loads(body)
    except ValueError as error:
        raise ApiError(f"{path} answered no JSON: {body[:80]!r}") from error


def right(path: str, *, listing: bool) -> tuple[str, str]:
    """Return (resource, namespace) that a path of the API is about, as RBAC names them; the path itself for discovery."""
    start, *steps = path.strip("/").split("/")
    group = f".{steps[0]}" if start == "apis" and steps else ""
    rest = steps[2:] if start == "apis" else steps[1:]
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":  # noqa: PLR2004 -- namespaces/NAME/RESOURCE
        namespace, rest = rest[1], rest[2:]
    if not rest:
        return path, ""
    below = [] if listing else rest[2:3]
    return "/".join([f"{rest[0]}{group}", *below]), namespace


class KubernetesApi:
    """The API server of a kubeconfig, or of the pod this runs in."""

    def __init__(self, kubeconfig: str | None = None, context: str | None = None) -> None:
        """Read the configuration. Raises UnreachableError where there is none that can be used, ImportError without the client."""
        from kubernetes import client, config  # noqa: PLC0415 -- half a second

        load: Any = config  # untyped

        settings = client.Configuration()
        try:
            if kubeconfig is None and context is None and _in_a_pod():
                load.load_incluster_config(client_configuration=settings)
            else:
                load.load_kube_config(config_file=kubeconfig, context=context, client_configuration=settings)
        except (config.ConfigException, OSError) as error:
            raise UnreachableError(f"no usable kubeconfig: {error}") from error
        settings.retries = False
        self.server = str(settings.host)
        self._settings = settings
        self._rest: Any = client.ApiClient(settings).rest_client  # untyped

    def get(self, path: str, query: Mapping[str, str]) -> tuple[int, str]:
        """Return (status, body). Raises UnreachableError."""
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        headers = {"Accept": "application/json"}
        token = self._settings.get_api_key_with_prefix("authorization") or self._settings.get_api_key_with_prefix(
            "BearerToken"  # what clients before 34 call the same thing the other way round
        )
        if token:
            headers["authorization"] = token
        url = self.server.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
        try:
            answer = self._rest.request("GET", url, headers=headers, _request_timeout=PATIENCE_SECONDS)
            body = answer.read() or answer.data
        except ApiException as error:
            if not error.status:
                raise UnreachableError(f"{self.server} does not answer: {error.reason}") from error
            return int(error.status), _text(error.body)
        except (HTTPError, OSError) as error:
            raise UnreachableError(f"{self.server} does not answer: {error}") from error
        return int(answer.status), _text(body)


def _in_a_pod() -> bool:
    """Say whether a pod's own account is what there is: no kubeconfig anywhere, and an API server in the environment."""
    here = os.environ.get("KUBECONFIG") or os.path.exists(os.path.expanduser("~/.kube/config"))  # noqa: PTH110, PTH111 -- plain questions
    return not here and "KUBERNETES_SERVICE_HOST" in os.environ


def _text(body: bytes | str | None) -> str:
    return body.decode(errors="replace") if isinstance(body, bytes) else body or ""
