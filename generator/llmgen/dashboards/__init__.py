"""The Grafana dashboards, described once; `make dashboards` writes them to the chart's files/dashboards."""

from __future__ import annotations

import json

from llmgen.dashboards import grafana
from llmgen.dashboards.engines import ENGINES
from llmgen.dashboards.model import Dashboard
from llmgen.dashboards.rollout import ROLLOUT
from llmgen.dashboards.service import SERVICE
from llmgen.dashboards.tenants import TENANTS

DASHBOARDS: tuple[Dashboard, ...] = (SERVICE, ENGINES, TENANTS, ROLLOUT)


def text(dashboard: Dashboard) -> str:
    """Return the JSON text that is committed."""
    return json.dumps(grafana.render(dashboard), indent=2, ensure_ascii=False) + "\n"


def file_name(dashboard: Dashboard) -> str:
    """Return the name of its file, such as ``service.json``."""
    return dashboard.uid.removeprefix("llm-serving-") + ".json"
