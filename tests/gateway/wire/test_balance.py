"""Provider *gateway*: weights, stickiness, two choices, ejection; and what a slice means."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.gateway.wire.lab import settings

from llm_gateway import config
from llm_gateway.fallback import BURST, RetryBudget
from llm_gateway.metrics import FAMILIES, OTHER, Metrics, describe
from llm_gateway.providers.balance import Balancer
from llm_gateway.providers.base import Endpoint
from llm_gateway.providers.health import Health, HealthSettings
from llm_gateway.providers.slices import ready_urls

NOBODY: frozenset[Endpoint] = frozenset()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def balancer(
    weight: int = 0, stable: int = 1, canary: int = 1, **health: Any
) -> tuple[Balancer, config.Model, Clock, Metrics]:
    tracks = {
        "stable": {"revision": "v1", "weight": 100 - weight},
        "canary": {"revision": "v2", "weight": weight},
        "previous": {"revision": "v0"},
    }
    document = settings("http://x", revisions={"v0": {}, "v1": {}, "v2": {}}, tracks=tracks)
    snapshot = config.loads(json.dumps(document))
    clock, metrics = Clock(), Metrics()
    made = Balancer(snapshot, metrics, health=HealthSettings(**health), clock=clock)
    urls = {f"http://s{i}": "v1" for i in range(stable)} | {f"http://c{i}": "v2" for i in range(canary)}
    made.put("chat", urls)
    return made, snapshot.models["chat"], clock, metrics


def tracks_of(made: Balancer, model: config.Model, count: int = 2000, pin: str | None = None) -> list[str | None]:
    found = []
    for number in range(count):
        choice = made.pick(model, conversation=b"c%d" % number, pin=pin, avoid=NOBODY)
        assert choice is not None
        assert choice.headers == {"x-llm-track": choice.track}
        found.append(choice.track)
        made.done(model, choice, "ok")
    return found


def test_weights_hold_and_a_conversation_stays_where_it_is() -> None:
    made, model, *_ = balancer(25)
    first = tracks_of(made, model)
    assert first == tracks_of(made, model)
    assert 0.21 < first.count("canary") / len(first) < 0.29
    assert made.weights(model) == {"v1": 75, "v2": 25}


def test_a_higher_weight_moves_conversations_one_way_only() -> None:
    low, high = balancer(5), balancer(25)
    for before, after in zip(tracks_of(low[0], low[1]), tracks_of(high[0], high[1]), strict=True):
        assert not (before == "canary" and after == "stable")


def test_requests_without_a_conversation_are_split_too() -> None:
    made, model, *_ = balancer(50)
    found = [made.pick(model, conversation=b"", pin=None, avoid=NOBODY) for _ in range(400)]
    assert 120 < sum(choice is not None and choice.track == "canary" for choice in found) < 280


def test_the_brake_pins_everything_to_stable_pins_included() -> None:
    made, model, *_ = balancer(100)
    assert set(tracks_of(made, model, 200)) == {"canary"}
    made.brake(on=True)
    assert set(tracks_of(made, model, 200)) == {"stable"}
    assert set(tracks_of(made, model, 200, pin="canary")) == {"stable"}
    assert made.weights(model) == {"v1": 100}
    made.brake(on=False)
    assert set(tracks_of(made, model, 200)) == {"canary"}


def test_a_pin_is_kept_to_and_nothing_is_no_choice() -> None:
    made, model, *_ = balancer(0)
    assert set(tracks_of(made, model, 50, pin="canary")) == {"canary"}
    assert made.pick(model, conversation=b"", pin="previous", avoid=NOBODY) is None  # v0 has no engine
    made.put("chat", {"http://c0": "v2"})
    assert (
        made.pick(model, conversation=b"", pin=None, avoid=NOBODY) is None
    )  # a canary at weight 0 gets nothing by accident
    made.put("chat", {})
    assert made.pick(model, conversation=b"", pin=None, avoid=NOBODY) is None


def test_a_canary_without_engines_leaves_its_share_to_stable() -> None:
    made, model, *_ = balancer(50, canary=0)
    assert set(tracks_of(made, model, 100)) == {"stable"}


def test_the_less_loaded_of_two_is_taken() -> None:
    made, model, *_ = balancer(stable=4, canary=0)
    for _ in range(400):
        assert made.pick(model, conversation=b"", pin=None, avoid=NOBODY) is not None
    loads = sorted(endpoint.in_flight for endpoint in made._endpoints["chat"].values())
    assert sum(loads) == 400
    assert loads[-1] - loads[0] <= 12  # random alone would spread by about 30


def test_failures_in_a_row_eject_for_longer_each_time_and_never_more_than_half() -> None:
    made, model, clock, metrics = balancer(stable=4, canary=0)

    def fail(times: int) -> None:
        for _ in range(times):
            choice = made.pick(model, conversation=b"", pin=None, avoid=NOBODY)
            assert choice is not None
            made.done(model, choice, "failed")

    fail(200)
    states = made.endpoints("chat")
    assert states["v1", "ejected"] == 2
    assert states["v1", "ready"] == 2
    picked = {
        choice.endpoint.url
        for _ in range(100)
        if (choice := made.pick(model, conversation=b"", pin=None, avoid=NOBODY))
    }
    assert len(picked) == 2
    clock.now += 11
    assert made.endpoints("chat") == {("v1", "ready"): 4}
    assert b'llm_gateway_ejections_total{model="chat",reason="failures"} 2.0' in metrics.render()
    assert made.ready("chat") == {"v1": 4}  # Kubernetes counts them as ready, and so does admission


def test_a_success_ends_a_run_of_failures_and_a_shed_is_none() -> None:
    health = Health(HealthSettings())
    one, two = Endpoint("http://a", "v1"), Endpoint("http://b", "v1")
    for verdict in ["failed"] * 4 + ["ok"] + ["failed"] * 4 + ["shed", "left"] * 9:
        assert not health.record(one, verdict, None, [one, two], 0.0)  # type: ignore[arg-type]
    assert health.record(one, "failed", None, [one, two], 0.0)
    assert one.ejected(9.9)
    assert not one.ejected(10.1)
    assert health.record(one, "failed", None, [one, two], 20.0)  # back, and one failure away
    assert one.ejected(39.0)


def test_a_lone_endpoint_is_never_ejected() -> None:
    made, model, *_ = balancer(stable=1, canary=0)
    for _ in range(50):
        choice = made.pick(model, conversation=b"", pin=None, avoid=NOBODY)
        assert choice is not None
        made.done(model, choice, "failed")
    assert made.endpoints("chat") == {("v1", "ready"): 1}


def test_an_endpoint_that_hangs_is_set_aside_and_comes_back_with_its_first_byte() -> None:
    made, model, clock, metrics = balancer(stable=2, canary=0)
    stuck = made.pick(model, conversation=b"", pin=None, avoid=NOBODY)
    assert stuck is not None
    clock.now += 179
    made.tick(clock.now)
    assert made.endpoints("chat") == {("v1", "ready"): 2}
    clock.now += 2
    made.tick(clock.now)
    assert made.endpoints("chat")["v1", "ejected"] == 1
    assert b'reason="hang"} 1.0' in metrics.render()
    for _ in range(20):
        other = made.pick(model, conversation=b"", pin=None, avoid=NOBODY)
        assert other is not None
        assert other.endpoint is not stuck.endpoint
        other.endpoint.progress = clock.now
        made.done(model, other, "ok")
    stuck.endpoint.progress = clock.now
    made.tick(clock.now)
    assert made.endpoints("chat") == {("v1", "ready"): 2}


def test_patience_with_a_hang_grows_with_the_worst_ttft() -> None:
    made, model, clock, _ = balancer(stable=2, canary=0)
    slow = made.pick(model, conversation=b"", pin=None, avoid=NOBODY)
    assert slow is not None
    made.done(model, slow, "ok", 100.0)
    stuck = made.pick(model, conversation=b"", pin=None, avoid=NOBODY)
    assert stuck is not None
    clock.now += 299
    made.tick(clock.now)
    assert ("v1", "ejected") not in made.endpoints("chat")
    clock.now += 2
    made.tick(clock.now)
    assert made.endpoints("chat")["v1", "ejected"] == 1


def test_an_endpoint_that_was_tried_is_avoided_where_another_is_left() -> None:
    made, model, *_ = balancer(stable=2, canary=0)
    tried = made.pick(model, conversation=b"", pin=None, avoid=NOBODY)
    assert tried is not None
    for _ in range(20):
        other = made.pick(model, conversation=b"", pin="stable", avoid={tried.endpoint})
        assert other is not None
        assert other.endpoint is not tried.endpoint
    made.put("chat", {tried.endpoint.url: "v1"})
    again = made.pick(model, conversation=b"", pin="stable", avoid={tried.endpoint})
    assert again is not None
    assert again.endpoint is tried.endpoint


def test_ready_and_not_terminating_is_what_counts() -> None:
    def endpoint(address: str, **conditions: bool | None) -> dict[str, Any]:
        return {"addresses": [address], "conditions": conditions}

    item = {
        "ports": [{"name": "metrics", "port": 9}, {"name": "http", "port": 8000}],
        "endpoints": [
            endpoint("10.0.0.1", ready=True), endpoint("10.0.0.2", ready=False), endpoint("10.0.0.3", ready=True, terminating=True),
            endpoint("10.0.0.4"), endpoint("fd00::5", ready=None),
        ],
    }  # fmt: skip
    assert ready_urls(item) == ["http://10.0.0.1:8000", "http://10.0.0.4:8000", "http://[fd00::5]:8000"]
    assert ready_urls({"endpoints": None, "ports": None}) == []


@given(st.lists(st.booleans(), max_size=400), st.integers(0, 100))
def test_retries_never_exceed_the_burst_and_the_percentage(steps: list[bool], percent: int) -> None:
    budget = RetryBudget(percent)
    requests = retries = 0
    for is_request in steps:
        if is_request:
            budget.request()
            requests += 1
        else:
            retries += budget.take()
        assert retries <= (BURST if percent else 0) + requests * percent / 100 + 1e-6


def test_a_client_cannot_make_series() -> None:
    metrics = Metrics(max_tenants=3)
    assert [metrics.tenant(f"t{i}") for i in range(5)] == ["t0", "t1", "t2", OTHER, OTHER]
    assert metrics.tenant("t1") == "t1"


def test_every_family_is_described_once_and_scraped_by_its_name() -> None:
    rows = describe()
    assert len({family.name for family in rows}) == len(rows) == len(FAMILIES)
    page = Metrics().render().decode()
    for family in rows:
        assert family.name.endswith("_total") == (family.kind == "counter"), family
        assert f"# TYPE {family.name} {family.kind}" in page, family
        assert family.help.endswith("."), family
