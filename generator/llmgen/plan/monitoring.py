"""Whether and how Prometheus finds a release."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmgen.spec import Spec


def discovery(spec: Spec) -> str | None:
    """Return ``operator`` (PodMonitors), ``annotations`` (a Prometheus without operator), or None where there is no Prometheus."""
    if spec.cluster.addons.prometheus_operator:
        return "operator"
    return "annotations" if spec.cluster.prometheus is not None else None
