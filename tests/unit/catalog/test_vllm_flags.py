"""tools/vllm_flags.py on a small tree written like vLLM's own source."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

TOOL = Path(__file__).parents[3] / "tools" / "vllm_flags.py"

ENVS = """
ENV = {"VLLM_USE_V2_MODEL_RUNNER": lambda: os.getenv("VLLM_USE_V2_MODEL_RUNNER", None),
       "VLLM_X": lambda: bool(int(os.getenv("VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS", "1")))}
"""
CONFIG = """
from typing import Literal
from .kv import KVConfig
from vllm.config.kv import SIZE, Format

@config
class CacheConfig:
    block_size: int = Field(default=None, gt=0)
    format: Format = "auto"
    hint: str | Literal["a", "b"] = "a"
    bytes: int = SIZE
    kv: KVConfig | None = None
    prefix: bool | None = None
    names: list[str] | None = None
    extra: dict[str, int] = field(default_factory=dict)
"""
KV = """
from typing import Literal
SIZE = 4 * 1024
Format = Literal["auto", "fp8"]
@config
class KVConfig:
    role: str = ""
"""
ARGS = """
from vllm.config.vllm import CacheConfig
class EngineArgs:
    limit: int = 7
    @staticmethod
    def add_cli_args(parser):
        cache_kwargs = get_kwargs(CacheConfig)
        group = parser.add_argument_group(title="Cache")
        group.add_argument("--block-size", "-bs", **cache_kwargs["block_size"])
        group.add_argument("--format", **{**cache_kwargs["format"], "default": None})
        group.add_argument("--hint", **cache_kwargs["hint"])
        group.add_argument("--bytes", **cache_kwargs["bytes"])
        group.add_argument("--kv", **cache_kwargs["kv"])
        group.add_argument("--prefix", **cache_kwargs["prefix"])
        cache_kwargs["extra"]["type"] = optional_type(json.loads)
        group.add_argument("--extra", **cache_kwargs["extra"])
        parser.add_argument("--limit", type=int, default=EngineArgs.limit)
        parser.add_argument("--quiet", action="store_true", help="Quiet.")
        parser.add_argument("--old", action=argparse.BooleanOptionalAction, default=True, help="Deprecated.")
class AsyncEngineArgs(EngineArgs):
    @staticmethod
    def add_cli_args(parser):
        parser.add_argument("--log", choices=["b", "a"], default="a")
def defaults(device_memory):
    if device_memory >= 70 * GiB_bytes and "a100" not in device_name:
        tokens = {UsageContext.LLM_CLASS: 1, UsageContext.OPENAI_API_SERVER: 8192}
        seqs = {UsageContext.LLM_CLASS: 1, UsageContext.OPENAI_API_SERVER: 1024}
    else:
        tokens = {UsageContext.LLM_CLASS: 1, UsageContext.OPENAI_API_SERVER: 2048}
        seqs = {UsageContext.LLM_CLASS: 1, UsageContext.OPENAI_API_SERVER: 256}
"""
CLI = """
@config
class BaseFrontendArgs:
    api_key: list[str] | None = None
@config
class FrontendArgs(BaseFrontendArgs):
    origins: list[str] = field(default_factory=lambda: ["*"])
    port: int = 8000
    def customize(frontend_kwargs):
        frontend_kwargs["origins"]["type"] = json.loads
def make_arg_parser(parser):
    parser.add_argument("model_tag", nargs="?")
    parser.add_argument("--config", help="A file.")
"""
METRICS = """
class Logger:
    def __init__(self):
        labelnames = ["model_name", "engine"]
        self._gauge_cls(name="vllm:running", documentation="", labelnames=labelnames)
        self._counter_cls(name="vllm:tokens", labelnames=labelnames + ["source"])
        if self.show_hidden_metrics:
            self._histogram_cls(name="vllm:hidden_seconds", labelnames=labelnames)
"""
NOTES = """
removed: {flags: {gone: {use: block-size}, ancient: {since: "0.10", use: nothing}}, metrics: {}}
flags: {}
"""
TREE = {
    "envs.py": ENVS, "config/vllm.py": CONFIG, "config/kv.py": KV, "engine/arg_utils.py": ARGS,
    "entrypoints/openai/cli_args.py": CLI, "v1/metrics/loggers.py": METRICS,
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("source")
    for name, text in TREE.items():
        path = root / "vllm" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    catalog = tmp_path_factory.mktemp("catalog")
    (catalog / "vllm").mkdir()
    (catalog / "vllm-notes.yaml").write_text(NOTES, encoding="utf-8")
    (catalog / "vllm" / "0.40.yaml").write_text("flags: {gone: {type: int}}\nmetrics: {}\n", encoding="utf-8")
    command = [sys.executable, str(TOOL), str(root), "0.41.2", "--catalog", str(catalog)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    data: dict[str, Any] = yaml.safe_load((catalog / "vllm" / "0.41.yaml").read_text(encoding="utf-8"))
    return data


@pytest.mark.parametrize(
    ("flag", "facts"),
    [
        ("block-size", {"type": "int", "default": None, "aliases": ["-bs"]}),
        ("format", {"type": "choice", "choices": ["auto", "fp8"], "default": None}),
        ("hint", {"type": "str", "default": "a"}),
        ("bytes", {"type": "int", "default": 4096}),
        ("kv", {"type": "json", "default": None}),
        ("prefix", {"type": "bool", "negatable": True, "default": None}),
        ("extra", {"type": "json", "default": {}}),
        ("limit", {"type": "int", "default": 7}),
        ("quiet", {"type": "bool", "default": False}),
        ("old", {"type": "bool", "negatable": True, "default": True, "deprecated": True}),
        ("log", {"type": "choice", "choices": ["a", "b"], "default": "a"}),
        ("api-key", {"type": "list", "default": None}),
        ("origins", {"type": "json", "default": ["*"]}),
        ("port", {"type": "int", "default": 8000}),
        ("config", {"type": "str", "default": None}),
    ],
)
def test_flags(written: dict[str, Any], flag: str, facts: dict[str, Any]):
    assert written["flags"][flag] == facts


def test_only_flags_are_flags(written: dict[str, Any]):
    assert "model_tag" not in written["flags"]
    assert "names" not in written["flags"]


def test_removed_flags_say_since_when(written: dict[str, Any]):
    assert written["removedFlags"] == {
        "gone": {"since": "0.41", "use": "block-size"},
        "ancient": {"since": "0.10", "use": "nothing"},
    }


def test_metrics(written: dict[str, Any]):
    assert written["metrics"] == {
        "vllm:hidden_seconds": {"type": "histogram", "labels": ["model_name", "engine"], "optional": True},
        "vllm:running": {"type": "gauge", "labels": ["model_name", "engine"]},
        "vllm:tokens_total": {"type": "counter", "labels": ["model_name", "engine", "source"]},
    }


def test_features_and_device_defaults(written: dict[str, Any]):
    assert written["features"]["modelRunnerV2"] == "default"
    assert written["features"]["cudaGraphEstimate"] is True
    assert written["features"]["shutdownTimeout"] is False
    assert written["deviceDefaults"] == [
        {"minMemoryGiB": 70, "exceptA100": True, "maxNumBatchedTokens": 8192, "maxNumSeqs": 1024},
        {"maxNumBatchedTokens": 2048, "maxNumSeqs": 256},
    ]
