from __future__ import annotations

from collections.abc import Mapping

import pytest

from llmgen.doctor.api import ApiError, ForbiddenError, Reader, UnreachableError, right


class Pages:
    """Three objects in two pages."""

    server = "https://pages"

    def __init__(self) -> None:
        self.asked: list[Mapping[str, str]] = []

    def get(self, path: str, query: Mapping[str, str]) -> tuple[int, str]:
        if path == "/broken":
            return 500, "etcd is away"
        if path == "/login":
            return 401, "{}"
        if path == "/html":
            return 200, "<html>"
        self.asked.append(query)
        if "continue" in query:
            return 200, '{"items": [{"n": 3}], "metadata": {}}'
        return 200, '{"items": [{"n": 1}, {"n": 2}], "metadata": {"continue": "next"}}'


def test_all_pages_are_read() -> None:
    api = Pages()
    assert [item["n"] for item in Reader(api).all("/api/v1/pods", labelSelector="a=b")] == [1, 2, 3]
    assert [query["labelSelector"] for query in api.asked] == ["a=b", "a=b"]
    assert api.asked[1]["continue"] == "next"


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("/broken", ApiError, "/broken answered 500: etcd is away"),
        ("/html", ApiError, "answered no JSON"),
        ("/login", UnreachableError, "log in again"),
    ],
)
def test_answers_that_are_none(path: str, error: type[ApiError], message: str) -> None:
    reader = Reader(Pages())
    for _ in range(2):  # remembered, and still an error
        with pytest.raises(error, match=message):
            reader.one(path)


@pytest.mark.parametrize(
    ("path", "listing", "expected"),
    [
        ("/api/v1/namespaces/n/secrets/s", False, ("secrets", "n")),
        ("/api/v1/namespaces/n", False, ("namespaces", "")),
        ("/api/v1/nodes", True, ("nodes", "")),
        ("/apis/apps/v1/namespaces/n/deployments", True, ("deployments.apps", "n")),
        ("/apis/storage.k8s.io/v1/storageclasses/x", False, ("storageclasses.storage.k8s.io", "")),
        ("/api/v1/namespaces/n/services/p:9090/proxy/api/v1/query", False, ("services/proxy", "n")),
        ("/version", False, ("/version", "")),
        ("/apis/keda.sh", False, ("/apis/keda.sh", "")),
        ("/apis/keda.sh/v1alpha1", False, ("/apis/keda.sh/v1alpha1", "")),
    ],
)
def test_the_right_that_a_path_needs(path: str, *, listing: bool, expected: tuple[str, str]) -> None:
    assert right(path, listing=listing) == expected
    error = ForbiddenError(path, listing=listing)
    assert (error.verb, error.resource, error.namespace) == ("list" if listing else "get", *expected)
