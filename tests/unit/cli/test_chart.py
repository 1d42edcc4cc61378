from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Invoke

from llmgen import chart

ROOT = Path(__file__).parents[3]


def packaged(folder: Path) -> dict[str, bytes]:
    """Every file under a folder but the chart's own tests, by its path."""
    files = [
        file
        for file in folder.rglob("*")
        if file.is_file() and file.relative_to(folder).parts[0] not in ("tests", "ci")
    ]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def test_the_folder_is_a_chart(invoke: Invoke) -> None:
    printed = Path(invoke("chart").stdout.removesuffix("\n"))
    assert printed.is_absolute()
    assert (printed / "Chart.yaml").is_file()


def test_a_copy_is_what_helm_packages(invoke: Invoke) -> None:
    result = invoke("chart", "charts/copy")
    assert (result.exit_code, result.stdout) == (0, "charts/copy is the chart of this llmgen\n")
    assert packaged(Path("charts/copy")) == packaged(chart.folder())
    assert [path.name for path in Path("charts").iterdir()] == ["copy"], "nothing else is left behind"
    assert Path("charts/copy").stat().st_mode & 0o777 == Path("charts").stat().st_mode & 0o777


def test_an_empty_folder_is_filled(invoke: Invoke) -> None:
    Path("here").mkdir()
    assert invoke("chart", "here").exit_code == 0
    assert Path("here/values.schema.json").is_file()


def test_the_same_chart_is_left_as_it_is(invoke: Invoke) -> None:
    invoke("chart", "copy")
    before = Path("copy/Chart.yaml").stat()
    assert invoke("chart", "copy").exit_code == 0
    after = Path("copy/Chart.yaml").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_the_chart_itself_is_the_chart(invoke: Invoke) -> None:
    """In a checkout, where the folder holds the chart's own tests as well."""
    assert invoke("chart", str(chart.folder())).exit_code == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "values.yaml").write_text("mine: true\n"), "differs in values.yaml: "),
        (lambda folder: (folder / "NOTES").touch(), "differs in NOTES: "),
        (lambda folder: (folder / "files" / "engine.yaml").unlink(), "differs in files/engine.yaml: "),
    ],
)
def test_a_folder_that_differs_is_never_touched(invoke: Invoke, change: Callable[[Path], object], said: str) -> None:
    invoke("chart", "copy")
    change(Path("copy"))
    before = packaged(Path("copy"))
    result = invoke("chart", "copy")
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert packaged(Path("copy")) == before


def test_anothers_folder_is_named_in_few_words(invoke: Invoke) -> None:
    Path("mine").mkdir()
    for number in range(9):
        (Path("mine") / f"0{number}").touch()
    result = invoke("chart", "mine")
    assert result.exit_code == 1
    assert "differs in .helmignore, 00, 01, 02, 03 and " in result.stderr
    assert len(result.stderr) < 200


def test_a_file_is_no_folder(invoke: Invoke) -> None:
    Path("taken").touch()
    assert invoke("chart", "taken").exit_code == 2
    result = invoke("chart", "taken/below")
    assert (result.exit_code, result.stderr) == (1, "Error: taken/below: File exists\n")


def test_the_wheel_holds_what_is_copied() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {f"charts/llm-serving/{name}" for name in chart.PACKAGED} == {
        key for key in included if key.startswith("charts/")
    }
