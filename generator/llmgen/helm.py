"""The only place that runs Helm."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from llmgen import chart

SUPPORTED = ((3, 14), (5, 0))
"""Helm versions from (inclusive) and to (exclusive): 3.14 is the first whose schema checks null overrides as we rely on."""


class HelmError(Exception):
    """Helm is missing, too old, or refused the values; the message is Helm's own, cut to what concerns the user."""


def binary() -> str:
    """Return the helm to run: ``LLMGEN_HELM``, the one on PATH, or the one built into this repository. Raises HelmError."""
    chosen = os.environ.get("LLMGEN_HELM") or shutil.which("helm")
    built = Path(__file__).parents[2] / ".bin" / "helm"
    if chosen is None and built.is_file():
        chosen = str(built)
    if chosen is None:
        raise HelmError("helm is not on PATH; install it (helm.sh/docs/intro/install), or set LLMGEN_HELM")
    return chosen


def version(helm: str) -> tuple[int, int]:
    """Return (major, minor) of ``helm``. Raises HelmError if it cannot be asked."""
    try:
        said = subprocess.run(
            [helm, "version", "--short"], capture_output=True, text=True, check=True, timeout=60
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise HelmError(f"{helm} cannot be run: {error}") from error
    match = re.search(r"v?(\d+)\.(\d+)", said)
    if match is None:
        raise HelmError(f"{helm} says no version: {said.strip()!r}")
    return int(match[1]), int(match[2])


def template(release: str, values: Sequence[Path], *, namespace: str, kubernetes: str) -> str:
    """Render the chart with ``values``, later files over earlier ones. Raises HelmError."""
    helm = binary()
    found = version(helm)
    if not SUPPORTED[0] <= found < SUPPORTED[1]:
        raise HelmError(
            f"{helm} is version {found[0]}.{found[1]}; supported are {SUPPORTED[0][0]}.{SUPPORTED[0][1]} to 4.x"
        )
    arguments = [helm, "template", release, str(chart.folder()), "--namespace", namespace, "--kube-version", kubernetes]
    for file in values:
        arguments += ["-f", str(file)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HelmError(done.stderr.strip())
    return done.stdout
