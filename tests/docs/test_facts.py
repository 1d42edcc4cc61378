"""Numbers and names that prose repeats are those of the code; each has its home there."""

from __future__ import annotations

import re
from typing import Any

import click
import pytest
from tests.docs.markdown import ROOT, page

from llm_gateway.admission import controller
from llm_gateway.fallback import BURST
from llmgen import chart, keys
from llmgen.cli import main
from llmgen.contract.schemas import load_schema
from llmgen.plan.engines import PATIENCE
from llmgen.plan.times import HELM_MARGIN

BUDGETS = "docs/explanation/budgets.md"
ADMISSION = "docs/explanation/admission.md"
REQUEST = "docs/explanation/request-path.md"
ENGINE = chart.defaults()["engineDefaults"]
GATEWAY = chart.defaults()["gateway"]
CONFIG = load_schema("gateway-config")["$defs"]
WORDS = {3: "three", 4: "four", 5: "five", 6: "six", 7: "seven"}


def _default(block: str, key: str) -> int:
    value: int = CONFIG[block]["properties"][key]["default"]
    return value


def _constant(name: str, folder: str = "") -> Any:
    """A constant of the gateway by its name, wherever below the folder it stands: a number, or a shift."""
    for path in (ROOT / "gateway/llm_gateway" / folder).rglob("*.py"):
        found = re.search(
            rf"^{name} = \(?\s*([0-9.]+)(?: << ([0-9]+))?", path.read_text(encoding="utf-8"), re.MULTILINE
        )
        if found:
            return int(found[1]) << int(found[2]) if found[2] else float(found[1])
    raise AssertionError(f"the gateway has no {name}")


@pytest.mark.parametrize(
    ("name", "phrase"),
    [
        (BUDGETS, f"at least {PATIENCE} x expected"),
        (BUDGETS, f"a check every {ENGINE['probes']['startup']['periodSeconds']} s"),
        (BUDGETS, f"`startup.schedulingSeconds` ({ENGINE['startup']['schedulingSeconds']})"),
        (BUDGETS, f"`startup.minReadySeconds` ({ENGINE['startup']['minReadySeconds']})"),
        (BUDGETS, f"+ {HELM_MARGIN} s; `llmgen size`"),
        (BUDGETS, f"every {ENGINE['probes']['liveness']['periodSeconds']} s, {WORDS[ENGINE['probes']['liveness']['failureThreshold']]} failures"),
        (BUDGETS, f"preStop {ENGINE['shutdown']['preStopSeconds']} s + drain + {ENGINE['shutdown']['bufferSeconds']} s for teardown"),
        (BUDGETS, f"preStop {GATEWAY['shutdown']['preStopSeconds']} s + drain + {GATEWAY['shutdown']['bufferSeconds']} s"),
        (ADMISSION, f"a burst of {BURST:.0f}, then `retryBudgetPercent`"),
        ("docs/how-to/expose-the-gateway.md", f"less than {_constant('KEEP_ALIVE', 'server'):.0f} s, after which the gateway closes them"),
        (REQUEST, f"within {_default('server', 'bodyTimeoutSeconds')} s"),
        (REQUEST, f"collected up to {_constant('WHOLE_BYTES') >> 20} MiB"),
        (REQUEST, f"Port {_default('server', 'adminPort')} has"),
    ],
)  # fmt: skip
def test_numbers(name: str, phrase: str):
    text = " ".join(page(name).path.read_text(encoding="utf-8").split())
    assert phrase in text, f"{name} does not say: {phrase}"


def test_numbers_that_prose_says_in_words():
    """The words stand in the pages; a change of the number has to change them."""
    assert _default("admission", "batchSlotsPercent") == 75  # "at most three quarters", docs/explanation/admission.md
    assert controller._JITTER == 0.2  # "spread by up to a fifth", the same
    assert keys._BYTES * 8 == 256  # "256 bits", docs/explanation/security.md


def test_headers():
    """Every header of ours that the gateway reads or sends is in the tables, and no other."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "gateway/llm_gateway").rglob("*.py"))
    known = set(re.findall(r"[\"']x-llm-[a-z]+[\"']", source))
    told = {f'"{found}"' for span in page(REQUEST).spans for found in re.findall(r"x-llm-[a-z]+", span.text)}
    private = {'"x-llm-revision"'}  # from the mesh to the gateway, for its log
    assert told == {name.replace("'", '"') for name in known} - private


def test_the_readme_lists_every_command():
    listed = {found for span in page("README.md").spans for found in re.findall(r"llmgen ([a-z]+)", span.text)}
    assert set(main.list_commands(click.Context(main))) <= listed
