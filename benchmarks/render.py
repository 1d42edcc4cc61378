"""How fast llmgen starts and renders, in one run: start-up, values of 1 to 1,000 models, Helm on the result, peak memory.

Each number is the median of child processes, which are run in turn so that a busy machine slows all of them alike.
"""

from __future__ import annotations

import argparse
import math
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "charts" / "llm-serving"
LLMGEN = (sys.executable, "-m", "llmgen")
IMPORTS = (sys.executable, "-c", "import click, yaml")
START_UP_GOAL = 1.5
"""Times the import of click and PyYAML, which the start cannot undercut by much."""
LINEAR_GOAL = 1.25
"""Growth of time per growth of models; 1 is linear, the rest is noise."""
HELM_GOAL = 2.0
"""Times what `helm template` takes on the values that were rendered."""

SPEC = """\
apiVersion: llmgen.dev/v1alpha1
kind: ServingSpec
metadata: {{name: bench, namespace: bench}}
cluster:
  kubernetesVersion: "1.34"
  provider: gke
  pools:
    l4: {{gpu: L4-24GB, gpusPerNode: 8, maxNodes: {nodes}, pricePerGpuHour: 0.71}}
    l40s: {{gpu: L40S-48GB, gpusPerNode: 8, maxNodes: {nodes}, pricePerGpuHour: 1.86}}
    h100: {{gpu: H100-SXM-80GB, gpusPerNode: 8, maxNodes: {nodes}, pricePerGpuHour: 2.99}}
models:
{models}
routing: {{default: m0}}
"""

MODEL = """\
  m{index}:
    class: interactive
    source: {{hub: {{repo: {repo}, revision: "{index:040x}"}}}}
    architecture: {{catalog: {repo}}}
    dtype: bfloat16
    limits:
      maxPromptTokens: {prompt}
      maxCompletionTokens: {completion}
      queueDepth: {queue}
      requestTimeout: 180s
    targets:
      ttftP95: 4s
      tpotP95: 150ms
      peakConcurrentRequests: {peak}
      meanPromptTokens: {mean}
      meanCompletionTokens: 250
    gpu: auto
    revisions: {{v1: {{}}, v2: {{engine: {{args: {{enable-prefix-caching: true}}}}, scaling: {{min: 1, max: 2}}}}}}
    tracks: {{stable: v1, previous: v2}}
"""

REPOS = (
    "Qwen/Qwen2.5-7B-Instruct",
    "Qwen/Qwen2.5-1.5B-Instruct",
    "Qwen/Qwen3-14B",
    "Qwen/Qwen3-8B",
    "meta-llama/Llama-3.1-8B-Instruct",
)


@dataclass(frozen=True, slots=True)
class Run:
    """One child process: wall-clock seconds, and peak resident memory in MiB (its own children included)."""

    seconds: float
    mebibytes: float


def spec(count: int) -> str:
    """Return a spec of ``count`` models of two revisions; no two models have the same limits, so that nothing is planned only once."""
    models = (
        MODEL.format(
            index=index, repo=REPOS[index % len(REPOS)], prompt=1024 + 3 * index, completion=512 + index % 97, queue=index % 33,
            peak=1 + index % 23, mean=200 + index % 301,
        )
        for index in range(count)
    )  # fmt: skip
    return SPEC.format(nodes=min(count * 64, 10_000), models="".join(models))


def run(command: Sequence[str]) -> Run:
    """Run ``command`` to its end. Raises CalledProcessError with what it said."""
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise subprocess.CalledProcessError(
                process.returncode, command, stderr=said.read().decode(errors="replace")[-2000:]
            )
    return Run(seconds, usage.ru_maxrss / 1024)


def in_turn(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Run]:
    """Run each command once a round and return the medians, after a round that only fills the file cache."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            found = run(command)
            if number:
                runs[name].append(found)
    return {
        name: Run(statistics.median(one.seconds for one in found), max(one.mebibytes for one in found))
        for name, found in runs.items()
    }


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under a title, the first column to the left, numbers to the right."""
    widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns))]
    print(f"\n{title}")
    for row in [columns, ["-" * width for width in widths], *rows]:
        print(
            "  "
            + "  ".join(
                cell.ljust(width) if not index else cell.rjust(width)
                for index, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
        )


def verdict(value: float, goal: float) -> str:
    """Say whether a goal is met."""
    return f"{value:.2f} ({'meets' if value <= goal else 'MISSES'} <= {goal:g})"


def start_up(rounds: int) -> None:
    """Compare the start of the command line with importing the two libraries that it cannot do without."""
    found = in_turn(
        {
            "import click, yaml": IMPORTS,
            "llmgen --help": (*LLMGEN, "--help"),
            "llmgen --version": (*LLMGEN, "--version"),
        },
        rounds,
    )
    base = found["import click, yaml"].seconds
    rows = [
        [
            name,
            f"{one.seconds * 1000:.0f}",
            f"{one.mebibytes:.0f}",
            "1" if one.seconds == base else verdict(one.seconds / base, START_UP_GOAL),
        ]
        for name, one in found.items()
    ]
    table(f"Start-up, medians of {rounds} rounds", ["command", "ms", "MiB", "ratio"], rows)


def scaling(folder: Path, counts: Sequence[int], rounds: int) -> dict[int, Run]:
    """Render specs of growing size."""
    found: dict[int, Run] = {}
    for count in counts:
        source, target = folder / f"{count}.yaml", folder / f"{count}-values.yaml"
        source.write_text(spec(count), encoding="utf-8")
        often = rounds if count <= 100 else 1
        found[count] = in_turn({"render": (*LLMGEN, "render", str(source), "-o", str(target))}, often)["render"]
    rows, before = [], None
    for count, one in found.items():
        exponent = "" if before is None or count < 1000 else verdict(_exponent(found, before, count), LINEAR_GOAL)
        rows.append(
            [f"{count:,}", f"{one.seconds:.2f}", f"{one.seconds / count * 1000:.1f}", f"{one.mebibytes:.0f}", exponent]
        )
        before = count
    table(
        "llmgen render", ["models (2 revisions each)", "s", "ms per model", "MiB", "time grows as models to the"], rows
    )
    return found


def _exponent(found: Mapping[int, Run], small: int, large: int) -> float:
    return math.log(found[large].seconds / found[small].seconds) / math.log(large / small)


def helm(folder: Path, count: int, rendered: Run, binary: str, peer: Path | None) -> None:
    """Compare Helm on the rendered values with rendering them, and with a peer's chart per line."""
    values = folder / f"{count}-values.yaml"
    ours = (binary, "template", "bench", str(CHART), "-f", str(values), "--kube-version", "1.34.0")
    commands: dict[str, tuple[str, ...]] = {"llm-serving": ours}
    if peer is not None:
        commands[peer.name] = (binary, "template", "bench", str(peer), "--kube-version", "1.34.0")
    found = in_turn(commands, 3)
    rows = []
    for name, one in found.items():
        lines = subprocess.run(commands[name], check=True, capture_output=True).stdout.count(b"\n")
        rows.append(
            [name, f"{one.seconds:.2f}", f"{lines:,}", f"{one.seconds / lines * 1e6:.0f}", f"{one.mebibytes:.0f}"]
        )
    table(f"helm template, {count} models", ["chart", "s", "lines", "µs per line", "MiB"], rows)
    print(f"  llmgen render / helm template: {verdict(rendered.seconds / found['llm-serving'].seconds, HELM_GOAL)}")


def main() -> None:
    """Parse arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds of each measurement (start-up: four times as many)"
    )
    parser.add_argument("--models", type=int, nargs="+", default=[1, 10, 100, 1000], metavar="N")
    parser.add_argument("--helm", default=str(ROOT / ".bin" / "helm"), help="the helm to run")
    parser.add_argument(
        "--peer-chart", type=Path, metavar="DIR", help="another chart, to compare time per rendered line"
    )
    options = parser.parse_args()
    start_up(options.rounds * 4)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            found = scaling(folder, options.models, options.rounds)
            if 100 in found:
                helm(folder, 100, found[100], options.helm, options.peer_chart)
        except subprocess.CalledProcessError as error:
            sys.exit(f"{shlex.join(map(str, error.cmd))} failed:\n{error.stderr}")


if __name__ == "__main__":
    main()
