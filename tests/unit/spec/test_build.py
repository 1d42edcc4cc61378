"""Plain data that passed the contract becomes frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field

import pytest

from llmgen.spec.build import build, camel
from llmgen.spec.cluster import Pool, Storage
from llmgen.spec.quantity import Bytes, Cores, Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    wait_time: Seconds
    size: Bytes | None
    cpu: Cores | None
    inner: Inner | None
    by_name: Mapping[str, Inner]
    steps: tuple[int, ...]
    chosen: Inner | str
    class_: str
    rate: float | None = field(metadata={"key": "rateMBps"})


FULL = {
    "waitTime": "5m", "size": "2Ki", "cpu": "500m", "inner": {"width": 1}, "byName": {"a": {"width": 2}}, "steps": [5, 25],
    "chosen": {"width": 3}, "class": "batch", "rateMBps": 7,
}  # fmt: skip


def test_everything() -> None:
    built = build(Outer, FULL)
    assert built == Outer(
        wait_time=Seconds(300.0), size=Bytes(2048), cpu=Cores(0.5), inner=Inner(width=1), by_name={"a": Inner(width=2)}, steps=(5, 25),
        chosen=Inner(width=3), class_="batch", rate=7,
    )  # fmt: skip


def test_absent_is_none() -> None:
    built = build(Outer, {"waitTime": "1s", "byName": {}, "steps": [], "chosen": "auto", "class": "batch"})
    assert (built.size, built.cpu, built.inner, built.rate, built.chosen) == (None, None, None, None, "auto")


def test_a_key_without_a_field_is_a_bug() -> None:
    with pytest.raises(KeyError, match="heigth"):
        build(Inner, {"width": 1, "heigth": 2})


def test_frozen() -> None:
    built = build(Inner, {"width": 1})
    with pytest.raises(FrozenInstanceError):
        built.width = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("max_prompt_tokens", "maxPromptTokens"),
        ("ttft_p95", "ttftP95"),
        ("class_", "class"),
        ("kv_cache_dtype", "kvCacheDtype"),
        ("uri", "uri"),
    ],
)
def test_camel(name: str, expected: str) -> None:
    assert camel(name) == expected


def test_a_key_that_is_not_plain_camel_case() -> None:
    built = build(Storage, {"kind": "nfs", "accessMode": "ReadWriteMany", "readMBps": 1200})
    assert built.read_mbps == 1200


def test_gpus_of_a_pool() -> None:
    pool = build(Pool, {"gpu": "L4-24GB", "gpusPerNode": 4, "maxNodes": 3, "tolerations": {}, "runtimeClassName": ""})
    assert pool.gpus == 12
