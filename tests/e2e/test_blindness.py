"""Prometheus dies. First, because it stays away while other cases run; [what became of it](#scaling) is told later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.cluster import until

if TYPE_CHECKING:
    from tests.e2e.support import Support

pytestmark = pytest.mark.e2e


@pytest.mark.usefixtures("blindness")
def test_prometheus_dies_while_engines_idle(support: Support):
    """Load brought three engines, and goes; before they can follow, Prometheus is killed for three minutes."""
    until("Prometheus is gone", lambda: not support.cluster.pods("app=prometheus"), 60)
