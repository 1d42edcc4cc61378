"""What a newcomer does for two models behind one address: commands, lines of configuration, seconds to manifests.

Our side is done for real, in an empty folder. The other side, vLLM production-stack, is counted from its own tutorial (its release has to
be downloaded); with ``--peer-chart`` and ``--peer-values`` its chart is rendered and timed too, in turn with ours.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
LLMGEN = (sys.executable, "-m", "llmgen")
INIT = (*LLMGEN, "init", "serving")
RENDER = (*LLMGEN, "render", "serving/spec.yaml", "-o", "serving/values.yaml", "--manifests", "out")
TUTORIAL = (
    "https://github.com/vllm-project/production-stack/blob/a7d2672bd43c79fea3dbb8312bb68508b60060df/"
    "tutorials/04-launch-multiple-model.md"
)
"""Two models behind the router, read 2026-11-24."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to two models: what is typed, in order; ``asked`` are the lines to write or change before the first rendering."""

    title: str
    commands: tuple[str, ...]
    lines: int
    asked: str


PEER = Way(
    title="production-stack",
    commands=(
        "helm repo add vllm https://vllm-project.github.io/production-stack",
        "helm install vllm vllm/vllm-stack -f values-04-multiple-models.yaml",
    ),
    lines=37,  # tutorials/assets/values-04-multiple-models.yaml at the tutorial's commit, without blank lines
    asked="2: the hub's token, once per model",
)


def lines(text: str) -> int:
    """Count lines that say something: neither blank nor comment."""
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in text.splitlines())


def ours(spec: str) -> Way:
    """Our way, with the starter as `llmgen init` writes it."""
    data = yaml.safe_load(spec)
    namespace, name = data["metadata"]["namespace"], data["metadata"]["name"]
    (tenant,) = data["tenants"].values()
    secret = next(iter(tenant["keys"].values()))["secret"]
    return Way(
        title="llmgen",
        commands=(
            "pip install llmgen",
            "llmgen init serving",
            "llmgen render serving/spec.yaml -o serving/values.yaml --manifests out",
            "llmgen key new",
            f"kubectl create namespace {namespace}",
            f"kubectl -n {namespace} create secret generic {secret['name']} --from-literal={secret['key']}=sha256:…",
            f'helm upgrade --install {name} "$(llmgen chart)" -n {namespace} -f serving/values.yaml',
        ),
        lines=lines(spec),
        asked="3: GPU, GPUs per node and nodes of the pool, if yours differ",
    )


def timed(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Run a command in ``folder``; seconds on the clock, and seconds of CPU, which a busy machine stretches less."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, cpu


def objects(text: str) -> dict[str, int]:
    """Count objects by kind."""
    found: dict[str, int] = {}
    for item in yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if item:
            found[item["kind"]] = found.get(item["kind"], 0) + 1
    return found


def measure(rounds: int, peer: tuple[str, ...] | None) -> None:
    """Print the tables."""
    seconds: dict[str, list[tuple[float, float]]] = {"llmgen init": [], "llmgen render --manifests": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            seconds["llmgen init"].append(timed(INIT, folder))
            seconds["llmgen render --manifests"].append(timed(RENDER, folder))
            if peer is not None:
                seconds.setdefault("helm template of production-stack", []).append(timed(peer, folder))
            spec = (folder / "serving" / "spec.yaml").read_text(encoding="utf-8")
            values = (folder / "serving" / "values.yaml").read_text(encoding="utf-8")
            manifests = (folder / "out" / "manifests.yaml").read_text(encoding="utf-8")
    print(
        f"llmgen {version('llmgen')}, Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n"
    )
    for way in (ours(spec), PEER):
        print(
            f"{way.title}: {len(way.commands)} commands, {way.lines} lines of configuration; to be changed: {way.asked}"
        )
        for command in way.commands:
            print(f"  {command}")
    print(f"\n{'seconds':36} median   worst     CPU")
    for what, found in seconds.items():
        clock, cpu = zip(*found, strict=True)
        print(f"{what:36} {statistics.median(clock):6.2f}  {max(clock):6.2f}  {statistics.median(cpu):6.2f}")
    if peer is None:
        print(f"{'helm template of production-stack':36} not measured: give --peer-chart and --peer-values")
    counted = objects(manifests)
    said = ", ".join(f"{count} {kind}" for kind, count in sorted(counted.items()))
    print(f"\nmade: {lines(values)} lines of values, {sum(counted.values())} objects: {said}")


def main() -> None:
    """Parse arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-chart", type=Path, metavar="DIR", help="the chart vllm-stack, from `helm pull --untar`")
    parser.add_argument(
        "--peer-values", type=Path, metavar="FILE", help="tutorials/assets/values-04-multiple-models.yaml"
    )
    options = parser.parse_args()
    if (options.peer_chart is None) != (options.peer_values is None):
        parser.error("--peer-chart and --peer-values belong together")
    helm = str(ROOT / ".bin" / "helm")
    peer = None
    if options.peer_chart is not None:
        peer = (helm, "template", "vllm", str(options.peer_chart.resolve()), "-f", str(options.peer_values.resolve()))
    os.environ["LLMGEN_HELM"] = helm
    measure(options.rounds, peer)


if __name__ == "__main__":
    main()
