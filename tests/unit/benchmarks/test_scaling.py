"""The model behind benchmarks/scaling.py: the HorizontalPodAutoscaler's arithmetic on cases worked out by hand, and a replay that balances."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
CALM = {
    "scaleUp": {
        "stabilizationWindowSeconds": 0,
        "policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}],
        "tolerance": "0.05",
    },
    "scaleDown": {"stabilizationWindowSeconds": 300, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 180}]},
}


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> tuple[ModuleType, ...]:
    """The benchmark's modules, which stand beside each other in a folder that is no package."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    names = ("scaling_trace", "scaling_hpa", "scaling_model", "scaling_oracle")
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tuple(
        importlib.import_module(name) for name in ("scaling_hpa", "scaling_model", "scaling_trace", "scaling_oracle")
    )


def scaler(hpa: Any, behavior: Any = CALM, *, average: bool = True, target: float = 10) -> Any:
    return hpa.Autoscaler(hpa.Policy("test", 1, 10, (hpa.Trigger("load", target, average),), behavior))


def test_a_sum_is_divided_by_the_target(modules: tuple[ModuleType, ...]) -> None:
    assert scaler(modules[0], modules[0].DEFAULT_BEHAVIOR).decide(0, {"load": 31}, 2, 2) == 4


def test_a_mean_multiplies_what_is_ready(modules: tuple[ModuleType, ...]) -> None:
    wanted = scaler(modules[0], modules[0].DEFAULT_BEHAVIOR, average=False, target=0.8).decide(0, {"load": 1.2}, 4, 2)
    assert wanted == 4, "1.5 x 2 ready ones are 3: those that load are not asked for again, and scaling in waits"


def test_nothing_happens_within_the_tolerance(modules: tuple[ModuleType, ...]) -> None:
    assert scaler(modules[0]).decide(0, {"load": 20.9}, 2, 2) == 2
    assert scaler(modules[0]).decide(0, {"load": 21.1}, 2, 2) == 3
    assert scaler(modules[0]).decide(0, {"load": 18.1}, 2, 2) == 2


def test_the_pace_is_kept(modules: tuple[ModuleType, ...]) -> None:
    one = scaler(modules[0])
    assert one.decide(0, {"load": 100}, 1, 1) == 3
    assert one.decide(15, {"load": 100}, 3, 1) == 3
    assert one.decide(61, {"load": 100}, 3, 1) == 5


def test_scaling_in_waits_for_the_highest_of_its_window_and_goes_one_by_one(modules: tuple[ModuleType, ...]) -> None:
    one, size, seen = scaler(modules[0]), 4, []
    for look in range(60):
        now = 15 * look
        size = one.decide(now, {"load": 40 if look == 0 else 5}, size, size)
        seen.append((now, size))
    assert max(now for now, count in seen if count == 4) == 285
    assert next(now for now, count in seen if count == 3) == 300
    assert next(now for now, count in seen if count == 2) == 480


def test_bounds_hold(modules: tuple[ModuleType, ...]) -> None:
    one = scaler(modules[0], modules[0].DEFAULT_BEHAVIOR)
    assert one.decide(0, {"load": 1e6}, 9, 9) == 10


def test_a_replay_loses_no_request_and_bills_what_ran(modules: tuple[ModuleType, ...]) -> None:
    hpa, model, trace, _ = modules
    engine = model.Engine(4, 10_000, (0.02,) * 5, lambda _: 0.1, 60, 2)
    policy = hpa.Policy("static 2", 2, 2, (hpa.Trigger("inflight", 1e9, average=True),))
    end = model.WARM_UP + 3600
    requests = [trace.Request(at=float(second), prompt=100, completion=50) for second in range(0, end, 2)]
    result = model.Replay(engine, model.Gateway(8, 10), policy, target=2, seed=1, start=2).run(requests, end)
    assert result.requests == 1800
    assert result.attainment == 1
    assert result.refused == 0
    assert result.gpu_hours == pytest.approx(4)


def test_an_overload_refuses_and_counts_it_as_late(modules: tuple[ModuleType, ...]) -> None:
    hpa, model, trace, _ = modules
    engine = model.Engine(1, 10_000, (1.0, 1.0), lambda _: 0.1, 60, 1)
    policy = hpa.Policy("static 1", 1, 1, (hpa.Trigger("inflight", 1e9, average=True),))
    end = model.WARM_UP + 600
    requests = [trace.Request(at=float(second), prompt=10, completion=10) for second in range(end)]
    result = model.Replay(engine, model.Gateway(4, 10), policy, target=2, seed=1, start=1).run(requests, end)
    assert result.requests == 600
    assert result.refused > 400
    assert result.attainment < 0.2


def test_requests_in_flight_are_those_that_began_and_did_not_end(modules: tuple[ModuleType, ...]) -> None:
    _, model, trace, oracle = modules
    engine = model.Engine(2, 10_000, (0.5,) * 3, lambda _: 1.0, 20, 1)  # 1 s of prompt and 8 x 0.5 s: 5 s in flight
    requests = [trace.Request(at, 100, 8) for at in (2.0, 13.0, 14.0)]
    assert oracle.in_flight(engine, requests) == [2, 2]
    assert oracle.in_flight(engine, requests, mean=True) == pytest.approx([8 / 15, 7 / 15])


def test_the_oracle_asks_a_load_time_ahead_and_forgets_at_once(modules: tuple[ModuleType, ...]) -> None:
    _, model, trace, oracle = modules
    engine = model.Engine(2, 10_000, (0.5,) * 3, lambda _: 1.0, 20, 1)
    requests = [trace.Request(at, 100, 8) for at in (1.0, 100.0, 100.5, 101.0, 101.5, 200.0)]
    knows = oracle.Oracle(engine, 1.0, 10).decider(requests)
    sizes = {now: knows.decide(now, {}, 1, 1) for now in range(0, 190, 15)}
    assert [now for now, size in sizes.items() if size == 2] == [45, 60, 75, 90, 105], (
        "from a load of 26 s and a look before 100 s to the end of them at 106.5 s"
    )
    assert set(sizes.values()) == {1, 2}
