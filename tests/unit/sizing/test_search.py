"""The search: ranking, reasons for rejection, cost, growth, speed, text."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from llmgen.architecture import Architecture
from llmgen.catalog import gpu
from llmgen.sizing import Device, PoolOffer, SearchResult, Workload, search
from llmgen.sizing.plot import curves, html, kv_share, memory_parts, most_requests, ticks
from llmgen.sizing.plot_png import png
from llmgen.sizing.report import as_json, render_table

CONFIGS = json.loads((Path(__file__).parents[3] / "benchmarks/data/model-configs.json").read_text(encoding="utf-8"))
BIG = Architecture.from_config(CONFIGS["meta-llama/Llama-3.1-70B-Instruct"])
SMALL = Architecture.from_config(CONFIGS["meta-llama/Llama-3.1-8B-Instruct"])
LOAD = Workload(
    max_prompt_tokens=6000,
    max_completion_tokens=2000,
    mean_prompt_tokens=1500,
    mean_completion_tokens=400,
    peak_concurrent_requests=64,
)


def pool(name: str, nodes: int = 4, price: float | None = 2.0, **more: object) -> PoolOffer:
    facts = {"gpus_per_node": 8, **more}
    return PoolOffer(
        name=name.lower(), device=Device.of(gpu(name)), max_nodes=nodes, price_per_gpu_hour_usd=price, **facts
    )


def find(model: Architecture, load: Workload, *offers: PoolOffer, **more: object) -> SearchResult:
    return search(model, load, offers, engine_version="0.32.0", **more)


def reasons(result: SearchResult) -> str:
    return "; ".join(reason for shape in result.shapes for reason in shape.rejected)


def test_the_cheapest_fitting_shape_wins():
    result = find(BIG, LOAD, pool("H100", price=3.0), pool("A100-80GB", price=1.5))
    costs = [shape.cost_per_hour_usd.value for shape in result.fitting]
    assert result.best is result.shapes[0]
    assert costs == sorted(costs)
    assert [shape.rank for shape in result.fitting] == list(range(1, len(costs) + 1))


def test_every_rejected_shape_says_why():
    result = find(BIG, LOAD, pool("L4"), pool("H100"))
    assert all(bool(shape.rejected) != (shape.rank is not None) for shape in result.shapes)


def test_weights_too_large():
    assert "weights 131.4 GiB > 72.9 GiB per GPU" in reasons(find(BIG, LOAD, pool("H100")))


def test_pool_too_small():
    load = replace(LOAD, peak_concurrent_requests=4000)
    assert "nodes, pool has 1" in reasons(find(BIG, load, pool("H100", nodes=1)))


def test_required_concurrency_that_the_cache_cannot_hold():
    load = replace(LOAD, max_num_seqs=64)
    result = find(BIG, load, pool("H100", tensor_parallel=4))
    assert result.best is None
    assert "of 64 requests" in reasons(result)
    assert reasons(result).startswith("KV holds ")


def test_too_slow_tokens():
    result = find(BIG, replace(LOAD, tpot_target_ms=5), pool("H100", tensor_parallel=4))
    assert "ms > 5 ms" in reasons(result)
    assert "TPOT" in reasons(result)


def test_too_slow_first_token():
    result = find(BIG, replace(LOAD, ttft_target_ms=20), pool("H100", tensor_parallel=4))
    assert "TTFT" in reasons(result)


def test_heads_that_do_not_divide():
    assert "64 heads do not divide by TP 3" in reasons(find(BIG, LOAD, pool("H100", tensor_parallel=3)))


def test_a_pod_larger_than_a_node():
    result = find(BIG, LOAD, pool("H100", tensor_parallel=16))
    assert "TP 16 needs 16 GPUs on a node, pool h100 has 8" in reasons(result)


def test_tpot_target_lowers_concurrency():
    free = find(SMALL, LOAD, pool("L4", tensor_parallel=1)).shapes[0]
    bound = find(
        SMALL, replace(LOAD, tpot_target_ms=free.latency.tpot_ms.value * 0.97), pool("L4", tensor_parallel=1)
    ).shapes[0]
    assert bound.limited_by == "tpot"
    assert bound.concurrency.value < free.concurrency.value


def test_replicas_carry_the_peak_with_headroom():
    for shape in find(BIG, LOAD, pool("H100"), pool("H200")).fitting:
        assert int(shape.concurrency.value * LOAD.use) * shape.replicas.value >= LOAD.peak_concurrent_requests
        assert shape.gpus == shape.replicas.value * shape.engine.gpus


def test_quantization_is_a_choice_only_where_it_is_offered():
    plain = find(BIG, LOAD, pool("H100"))
    more = find(BIG, LOAD, pool("H100"), quantizations=(None, "fp8"))
    assert {shape.quantization for shape in plain.shapes} == {None}
    assert more.best.cost_per_hour_usd.value <= plain.best.cost_per_hour_usd.value


def test_a_t4_runs_float16():
    shape = find(
        Architecture.from_config(CONFIGS["Qwen/Qwen2.5-1.5B-Instruct"]), LOAD, pool("T4", tensor_parallel=1)
    ).shapes[0]
    assert shape.engine.dtype == "float16"


def test_mig_slices_are_devices():
    card = gpu("A100-SXM-80GB")
    name = next(n for n, p in card.mig.items() if p.compute_slices == 3)
    offer = PoolOffer(name="mig", device=Device.of(card, mig=name), gpus_per_node=16, max_nodes=1, mig_profile=name)
    result = search(SMALL, LOAD, [offer], engine_version="0.32.0")
    assert [shape.tensor_parallel for shape in result.shapes] == [1]
    assert result.best is not None


def test_growth_compares_a_replica_with_larger_pods():
    result = find(BIG, LOAD, pool("H100", price=3.0))
    kinds = [row.kind for row in result.growth]
    assert kinds[0] == "replica"
    assert "size" in kinds
    assert result.advice


def test_no_price_no_cost_but_a_rank():
    result = find(BIG, LOAD, pool("H100", price=None))
    assert result.best is not None
    assert result.best.cost_per_hour_usd is None


def test_texts_name_every_shape():
    result = find(BIG, LOAD, pool("H100"), pool("L4"))
    text, page, data = render_table(result), html({"chat <1>": result}), as_json(result)
    assert text.count("\n") >= len(result.shapes)
    assert "chat &lt;1&gt;" in page
    assert page.count("<svg") == 2
    assert len(data["shapes"]) == len(result.shapes)
    json.dumps(data)


def test_the_picture_names_every_length_and_what_fits():
    result = find(BIG, LOAD, pool("H100"))
    page = html({"chat": result})
    for tokens, _, requests, share in curves(result.best):
        assert f"{tokens:,} tokens: {result.best.memory.requests_that_fit(tokens):,} requests fit" in page
        assert requests <= most_requests(result.best)
        assert share <= 1 + 1e-9


@pytest.mark.parametrize("end", [1, 2.5, 44.4, 139.8, 2000])
def test_ticks_are_round_and_few(end: float):
    found = ticks(end)
    assert found[0] == 0
    assert found[-1] <= end
    assert 1 <= len(found) <= 12


def test_the_png_is_a_picture(tmp_path: Path):
    pytest.importorskip("matplotlib")
    png({"chat": find(BIG, LOAD, pool("H100"), pool("L4"))}, tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_memory_bar_is_the_memory_of_the_gpu():
    for shape in find(BIG, LOAD, pool("H100")).fitting:
        total = sum(size for _, size, _ in memory_parts(shape))
        assert total == pytest.approx(shape.memory.total.value, rel=0.02)


def test_kv_share_is_full_at_what_fits():
    best = find(BIG, LOAD, pool("H100")).best
    fits = best.memory.requests_that_fit(8000)
    assert kv_share(best, 8000, fits) <= 1 < kv_share(best, 8000, fits + 1)


def test_a_search_takes_less_than_50_ms():
    offers = [pool(name) for name in ("H100", "A100-80GB", "L40S", "H200")]
    spent = []
    for _ in range(5):
        start = time.process_time()
        find(BIG, LOAD, *offers)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.05
