"""What is emitted is read back unchanged by PyYAML, by our own strict reader, and by Helm."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from llmgen.emit import emit
from llmgen.source import read_text

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12) | st.text(
    alphabet="0123456789eE.+-_xobynYN~:#", max_size=8
)
NUMBERS = st.integers(1 - 2**53, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
DATA = st.recursive(
    TEXTS | NUMBERS | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=15,
)


@given(st.dictionaries(TEXTS, DATA, max_size=4))
def test_pyyaml_reads_it_back(values: dict) -> None:
    assert yaml.safe_load(emit(values)) == values


@given(
    st.dictionaries(
        TEXTS,
        st.recursive(
            TEXTS | st.integers(-9, 9) | st.booleans(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_our_strict_reader_reads_it_back(values: dict) -> None:
    reading = read_text(emit(values), "values.yaml")
    assert reading.problems == ()
    assert reading.document is not None
    assert reading.document.data == values


@given(st.dictionaries(TEXTS, DATA, min_size=1, max_size=3), st.text(max_size=200), st.text(max_size=60))
def test_comments_change_nothing(values: dict, reason: str, header: str) -> None:
    comments = {(key,): reason for key in values}
    assert yaml.safe_load(emit(values, comments=comments, header=header)) == values


WORDS = """
y n yes no on off Y N Yes NO On OFF true false True FALSE null Null NULL ~ << = - -- --- ... ? : , [ ] { } # &
* ! | > ' " % @ ` 0 1 -1 +1 007 0o14 0x1F 0b11 1_000 1e3 12e03 1E5 1.5e3 .5 5. -.5 .inf -.Inf .nan .NaN 12:30
190:20:30 1:2:3.4 2026-11-24 2026-11-24T10:00:00Z 12345e7 9007199254740993 {{ }} {{.Values}} $x ${x} a#b a:b
a:_b key:
""".split()  # noqa: SIM905 -- readable as a text
ODD = [
    "", " ", "  x", "x  ", "\t", "\n", "a\nb", "a\r\nb", "\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\xa0", "\u2028",
    "\u2029", "\ufeff", "\ufffe", "\uffff", "😀", "\U0010ffff", "é", "e\u0301", "\u202e", "a: b", "- a", "a #b", "\\",
    "\\n", "\\u0041", '"', "'",
]  # fmt: skip


def hostile(count: int) -> list[str]:
    """YAML's traps, and random texts over the signs that numbers and booleans are made of; the same every time."""
    dice = random.Random(7396)  # noqa: S311 -- test data
    near = ["".join(dice.choices("0123456789eE.+-_xobynYNoOfF:~", k=dice.randint(1, 8))) for _ in range(count)]
    points = [(0, 0xD7FF), (0xE000, 0x10FFFF)]
    wide = ["".join(chr(dice.randint(*dice.choice(points))) for _ in range(4)) for _ in range(count)]
    return [*WORDS, *ODD, *near, *wide]


def helm() -> str:
    """The helm of the repository, of $HELM, or on PATH."""
    local = Path(__file__).parents[2] / ".bin" / "helm"
    found = os.environ.get("HELM") or (str(local) if local.exists() else shutil.which("helm"))
    if not found:
        pytest.skip("helm is not built: make tools")
    return found


def test_helm_reads_back_thousands_of_hostile_texts(tmp_path: Path) -> None:
    texts = hostile(2500)
    values = {
        "texts": texts,
        "keys": {text: index for index, text in enumerate(dict.fromkeys(texts))},
        "numbers": [0, -1, 1048576, 2**53 - 1, 1 - 2**53, 0.1, 1e-07, 2.5, 1e22, 1.0, 123456.789e-20],
        "others": [True, False, None, {}, [], [[]], [{}], {"a": None}],
    }
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: echo\nversion: 0.0.0\n")
    (tmp_path / "templates" / "echo.yaml").write_text("kind: Echo\nencoded: {{ .Values.probe | toJson | b64enc }}\n")
    (tmp_path / "values.probe.yaml").write_text(emit({"probe": values}), encoding="utf-8")
    command = [helm(), "template", str(tmp_path), "-f", str(tmp_path / "values.probe.yaml")]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    encoded = yaml.safe_load(result.stdout)["encoded"]
    read_back = json.loads(base64.b64decode(encoded))
    assert read_back["texts"] == texts
    assert read_back["keys"] == values["keys"]
    assert read_back["others"] == values["others"]
    assert read_back["numbers"] == values["numbers"]
