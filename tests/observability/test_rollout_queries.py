"""The gates' queries against a real Prometheus that holds an hour of two revisions: they parse, join and count as meant."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from urllib.request import urlopen

import pytest
from tests.chart.conftest import tool

from llmgen.rollout import evidence
from llmgen.rollout.evidence import Revision, Window
from llmgen.rollout.prometheus import Prometheus, PrometheusError

pytestmark = pytest.mark.prometheus

START, STEP, POINTS = 1_750_000_000, 15, 241
END = START + STEP * (POINTS - 1)
HOUR = Window(seconds=3600)


def labels(revision: str, **more: str) -> str:
    own = {
        "namespace": "llm",
        "llm_release": "assistant",
        "llm_model": "chat",
        "llm_revision": revision,
        "pod": f"{revision}-0",
    }
    return ",".join(f'{name}="{value}"' for name, value in {**own, **more}.items())


GATEWAYS = ("gateway-0", "gateway-1")


def judged(revision: str, pod: str, **more: str) -> str:
    own = {"namespace": "llm", "llm_release": "assistant", "model": "chat", "revision": revision, "pod": pod}
    return ",".join(f'{name}="{value}"' for name, value in {**own, **more}.items())


def series(revision: str, failed: float, fast: float) -> dict[str, float]:
    """Growth per hour of each counter; ``fast`` is the share of first tokens below half a second."""
    status = {"2xx": 3600 - failed, "5xx": failed}
    return {
        **{f"http_requests_total{{{labels(revision, status=name, handler='/v1/chat/completions')}}}": n for name, n in status.items()},
        f"vllm:admission_rejections_total{{{labels(revision, reason='max_num_queued_reqs')}}}": 36,
        f"vllm:request_success_total{{{labels(revision, finished_reason='stop')}}}": 3200,
        f"vllm:request_success_total{{{labels(revision, finished_reason='length')}}}": 360,
        f"vllm:request_success_total{{{labels(revision, finished_reason='error')}}}": 0,
        f"vllm:time_to_first_token_seconds_bucket{{{labels(revision, le='0.5')}}}": 3600 * fast,
        f"vllm:time_to_first_token_seconds_bucket{{{labels(revision, le='1.0')}}}": 3600,
        f"vllm:time_to_first_token_seconds_bucket{{{labels(revision, le='+Inf')}}}": 3600,
        f"vllm:request_time_per_output_token_seconds_bucket{{{labels(revision, le='0.05')}}}": 3600,
        f"vllm:request_time_per_output_token_seconds_bucket{{{labels(revision, le='+Inf')}}}": 3600,
        **{f"llm_gateway_answers_total{{{judged(revision, pod)}}}": 1800 for pod in GATEWAYS},
        **{f"llm_gateway_refusals_total{{{judged(revision, pod)}}}": failed / 4 for pod in GATEWAYS},
        **{
            f"llm_gateway_structured_answers_total{{{judged(revision, pod, kind='json', result=result)}}}": count
            for pod in GATEWAYS
            for result, count in {"valid": 900 - failed, "invalid": failed, "truncated": 300, "unchecked": 10}.items()
        },
    }  # fmt: skip


def openmetrics() -> str:
    grown = series("v1", failed=36, fast=1.0) | series("v2", failed=108, fast=0.5)
    lines = [
        f"{name} {total * point / (POINTS - 1):.3f} {START + STEP * point}"
        for name, total in grown.items()
        for point in range(POINTS)
    ]
    gauges = {
        'llm_gateway_endpoints{namespace="llm",llm_release="assistant",model="chat",revision="v2",state="ready",pod="gateway-0"}': 3,
        'llm_gateway_endpoints{namespace="llm",llm_release="assistant",model="chat",revision="v2",state="ready",pod="gateway-1"}': 2,
        'kube_deployment_status_replicas_available{namespace="llm",deployment="assistant-chat-v1"}': 4,
        'llm_gateway_brake{namespace="llm",llm_release="assistant",pod="gateway-0"}': 0,
        'llm_gateway_brake{namespace="llm",llm_release="assistant",pod="gateway-1"}': 1,
    }
    lines += [f"{name} {value} {START + STEP * point}" for name, value in gauges.items() for point in range(POINTS)]
    return "\n".join([*lines, "# EOF\n"])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "data.om").write_text(openmetrics())
    (folder / "prometheus.yml").write_text("{}\n")
    made = [tool("promtool"), "tsdb", "create-blocks-from", "openmetrics", folder / "data.om", folder / "data"]
    subprocess.run(made, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    options = {
        "config.file": folder / "prometheus.yml", "storage.tsdb.path": folder / "data", "web.listen-address": address,
        "storage.tsdb.retention.time": "100y", "log.level": "error",
    }  # fmt: skip
    process = subprocess.Popen([tool("prometheus"), *(f"--{name}={value}" for name, value in options.items())])
    try:
        _wait(f"http://{address}/-/ready")
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urlopen(url, timeout=2):  # noqa: S310 -- our own server
                return
        except OSError:
            assert time.monotonic() < deadline, "Prometheus never got ready"
            time.sleep(0.1)


def revision(name: str) -> Revision:
    return Revision(namespace="llm", release="assistant", model="chat", name=name)


def test_evidence_of_both_revisions(prometheus: Prometheus) -> None:
    stable, canary = (evidence.gather(prometheus, revision(name), HOUR, END) for name in ("v1", "v2"))
    assert stable.samples == pytest.approx(3560, rel=0.01)
    assert stable.error_rate == pytest.approx(0, abs=1e-3), "what a full queue refused is no error"
    assert canary.error_rate == pytest.approx(72 / 3600, rel=0.02)
    assert stable.truncation == pytest.approx(360 / 3560, rel=0.01)
    assert stable.ttft_p95 == pytest.approx(0.475, rel=0.01)
    assert canary.ttft_p95 == pytest.approx(0.95, rel=0.01)
    assert stable.tpot_p95 == pytest.approx(0.0475, rel=0.01)
    assert canary.json
    assert canary.refusals
    assert (canary.json.part, canary.json.whole) == pytest.approx((216, 1800), rel=0.01), "what was cut is in no share"
    assert (canary.refusals.part, canary.refusals.whole) == pytest.approx((54, 3600), rel=0.01)
    assert canary.tools is None, "no series at all is no data"


def test_a_window_in_the_past(prometheus: Prometheus) -> None:
    past = evidence.gather(prometheus, revision("v1"), Window(seconds=900, ago=1800), END)
    assert past.samples == pytest.approx(890, rel=0.02)


def test_a_revision_that_nobody_scrapes_has_no_evidence(prometheus: Prometheus) -> None:
    nothing = evidence.gather(prometheus, revision("v9"), HOUR, END)
    assert (nothing.samples, nothing.error_rate, nothing.ttft_p95, nothing.tpot_p95, nothing.truncation) == (None,) * 5
    assert (nothing.refusals, nothing.json, nothing.tools) == (None,) * 3


def test_ready_engines_and_the_brake(prometheus: Prometheus) -> None:
    assert prometheus.value(evidence.ready_query(revision("v2")), at=END) == 2, "as the gateway that sees fewest"
    assert prometheus.value(evidence.ready_query(revision("v1")), at=END) == 4, (
        "kube-state-metrics where no gateway tells"
    )
    assert prometheus.value(evidence.ready_query(revision("v9")), at=END) is None
    assert prometheus.value(evidence.brake_query(revision("v2")), at=END) == 1, "one braked gateway is enough"


def test_a_query_that_is_none_is_an_error(prometheus: Prometheus) -> None:
    with pytest.raises(PrometheusError, match="answered 400"):
        prometheus.value("sum(", at=END)
