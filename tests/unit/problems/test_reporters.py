"""How problems are written, to the letter."""

from __future__ import annotations

import json

from llmgen.problems import Problem, ProblemsFound, Related, Span, errors, in_file_order, report

LINE = "      kind: nvidia-h100"
ENUM = Problem(
    id="LLM104",
    message="'nvidia-h100' is not allowed",
    path=("models", "llama", "gpu", "kind"),
    span=Span(file="spec.yaml", line=5, col=13, end_col=24, text=LINE),
    allowed=("nvidia-h100-80gb", "nvidia-l40s-48gb"),
    hint="did you mean 'nvidia-h100-80gb'?",
)
DUPLICATE = Problem(
    id="LLM020",
    message="the key 'a,b' is set twice: 100%",
    path=("a,b",),
    span=Span(file="dir:x/spec, a.yaml", line=3, col=1, end_col=2, text="a: 1"),
    severity="warning",
    related=(Related(message="first set here", span=Span(file="dir:x/spec, a.yaml", line=1, col=1, end_col=2)),),
)
WHOLE = Problem(id="LLM001", message="no such file", span=Span(file="gone.yaml"))


def test_text() -> None:
    assert report([ENUM]) == (
        "spec.yaml:5:13: error LLM104: models.llama.gpu.kind: 'nvidia-h100' is not allowed\n"
        "     5 |       kind: nvidia-h100\n"
        "       |             ^^^^^^^^^^^\n"
        "       allowed: nvidia-h100-80gb, nvidia-l40s-48gb\n"
        "       hint: did you mean 'nvidia-h100-80gb'?\n"
    )


def test_text_of_a_file_and_of_a_warning_with_a_second_place() -> None:
    assert report([WHOLE]) == "gone.yaml: error LLM001: no such file\n"
    assert report([DUPLICATE]) == (
        "dir:x/spec, a.yaml:3:1: warning LLM020: \"a,b\": the key 'a,b' is set twice: 100%\n"
        "     3 | a: 1\n"
        "       | ^\n"
        "       note: first set here: dir:x/spec, a.yaml:1:1\n"
    )


def test_text_has_colour_only_when_asked() -> None:
    assert "\x1b" not in report([ENUM])
    coloured = report([ENUM], colour=True)
    assert "\x1b[1;31merror LLM104:\x1b[0m" in coloured
    assert "\x1b[32m^^^^^^^^^^^\x1b[0m" in coloured


def test_text_never_passes_control_signs_to_a_terminal() -> None:
    span = Span(file="f", line=1, col=4, end_col=9, text="a: \x1b[31mx\x07")
    assert "\x1b" not in report([Problem(id="LLM008", message="m", span=span)])


def test_long_lists_are_cut() -> None:
    problem = Problem(id="LLM104", message="m", span=Span(file="f"), allowed=tuple(f"w{at}" for at in range(40)))
    assert report([problem]).endswith("w28, w29 and 10 more\n")


def test_caret_stays_under_its_sign_in_a_long_line() -> None:
    text = "x" * 300 + "HERE" + "y" * 300
    _, source, caret = report(
        [Problem(id="LLM012", message="m", span=Span(file="f", line=1, col=301, end_col=305, text=text))]
    ).splitlines()
    at = caret.index("^")
    assert source[at : at + 4] == "HERE"
    assert caret.count("^") == 4
    assert len(source) < 130


def test_caret_after_tabs_and_wide_signs() -> None:
    text = "\t聊天: x"
    caret = report(
        [Problem(id="LLM012", message="m", span=Span(file="f", line=1, col=6, end_col=7, text=text))]
    ).splitlines()[2]
    assert caret == "       | \t      ^"


def test_json() -> None:
    document = json.loads(report([ENUM, DUPLICATE, WHOLE], "json"))
    assert (document["version"], document["errors"], document["warnings"]) == (1, 2, 1)
    duplicate, whole, enum = document["problems"]
    assert enum == {
        "id": "LLM104",
        "name": "not-allowed",
        "severity": "error",
        "message": "'nvidia-h100' is not allowed",
        "path": ["models", "llama", "gpu", "kind"],
        "dotted": "models.llama.gpu.kind",
        "span": {"file": "spec.yaml", "line": 5, "col": 13, "endCol": 24},
        "allowed": ["nvidia-h100-80gb", "nvidia-l40s-48gb"],
        "hint": "did you mean 'nvidia-h100-80gb'?",
        "related": [],
    }
    assert whole["span"] == {"file": "gone.yaml", "line": None, "col": None, "endCol": None}
    assert duplicate["related"][0]["span"]["line"] == 1
    assert json.loads(report([], "json")) == {"version": 1, "errors": 0, "warnings": 0, "problems": []}


def test_github_escapes() -> None:
    assert report([ENUM], "github") == (
        "::error file=spec.yaml,line=5,col=13,endColumn=23,title=LLM104::models.llama.gpu.kind: 'nvidia-h100' is not "
        "allowed%0Aallowed: nvidia-h100-80gb, nvidia-l40s-48gb%0Ahint: did you mean 'nvidia-h100-80gb'?\n"
    )
    assert report([DUPLICATE], "github") == (
        "::warning file=dir%3Ax/spec%2C a.yaml,line=3,col=1,endColumn=1,title=LLM020::"
        "\"a,b\": the key 'a,b' is set twice: 100%25\n"
    )
    assert report([WHOLE], "github") == "::error file=gone.yaml,title=LLM001::no such file\n"


def test_sarif() -> None:
    log = json.loads(report([ENUM, ENUM, DUPLICATE, WHOLE], "sarif"))
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in rules] == ["LLM001", "LLM020", "LLM104"]
    assert rules[2]["name"] == "NotAllowed"
    assert "\n\n" in rules[2]["help"]["text"]
    assert len(run["results"]) == 3
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning"}
    duplicate, whole, enum = run["results"]
    region = enum["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 5, "startColumn": 13, "endColumn": 24, "snippet": {"text": LINE}}
    assert enum["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "models.llama.gpu.kind"}]
    assert whole["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert duplicate["relatedLocations"][0]["message"] == {"text": "first set here"}
    assert duplicate["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "dir%3Ax/spec%2C%20a.yaml"
    assert json.loads(report([], "sarif"))["runs"][0]["results"] == []


def test_order_and_duplicates() -> None:
    later = Problem(id="LLM101", message="m", span=Span(file="a", line=10, col=1))
    sooner = Problem(id="LLM101", message="m", span=Span(file="a", line=9, col=2))
    same_place = Problem(id="LLM020", message="m", span=Span(file="a", line=9, col=2))
    assert in_file_order([later, sooner, same_place, sooner]) == [same_place, sooner, later]
    assert errors([ENUM, DUPLICATE]) == [ENUM]
    assert "LLM104" in str(ProblemsFound([ENUM]))
