"""The pages of the two contracts: what a spec may say, and what the chart accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llmgen import chart, contract
from llmgen.docs import markdown
from llmgen.docs.schema import Contract, Entry, Schema, Section, shown, type_words

_ABSENT = object()
Default = Callable[[Section, Entry], object]

_SPEC_ABOUT = (
    "What a person may write in a serving spec. A key without a default may be left out unless it says *required*.",
    (
        "`<name>` stands for a name you choose: names are lower-case letters, digits and dashes, at most 40, starting with a letter. "
        "A length of time is a whole number with a unit (`300ms`, `90s`, `5m`, `24h`); "
        "an amount of memory is a Kubernetes quantity (`20Gi`)."
    ),
    (
        "For an editor that completes and checks while you type, put this line on top of the spec: "
        "`# yaml-language-server: $schema=path/to/schemas/serving-spec.schema.json`."
    ),
)
_VALUES_ABOUT = (
    "What the chart accepts in its values. `llmgen render` writes them from a spec; they can be written by hand as well.",
    (
        "Everything that environments differ in is a map keyed by name, so later files merge over earlier ones and `null` drops an entry. "
        "The defaults of `models.<name>` are those under `modelDefaults`, the defaults of a revision those under `engineDefaults`."
    ),
)


def spec_page() -> str:
    """Return docs/reference/spec.md."""
    head = markdown.header("schemas/serving-spec.schema.yaml", "The serving spec", *_SPEC_ABOUT)
    return head + _body(contract.load_schema("serving-spec"), _schema_default)


def values_page() -> str:
    """Return docs/reference/values.md."""
    source = "schemas/values.schema.yaml and charts/llm-serving/values.yaml"
    return markdown.header(source, "The chart's values", *_VALUES_ABOUT) + _body(
        contract.load_schema("values"), _chart_default
    )


def schema_page(name: str, source: str, title: str, *about: str) -> str:
    """Return the page of any contract whose defaults are the schema's own."""
    return markdown.header(source, title, *about) + _body(contract.load_schema(name), _schema_default)


def values_table() -> str:
    """Return the table of every value that has a default, for the chart's README."""
    found = Contract(contract.load_schema("values"))
    rows = [
        {"Key": markdown.code(".".join(place)), "Default": markdown.code(shown(default)), "What it is": description}
        for place, default, description in _defaults(
            found, found.resolve(contract.load_schema("values")), chart.defaults(), ()
        )
    ]
    return markdown.table(rows)


def _defaults(
    found: Contract, schema: Schema, values: Mapping[str, Any], place: tuple[str, ...]
) -> list[tuple[tuple[str, ...], object, str]]:
    rows: list[tuple[tuple[str, ...], object, str]] = []
    for key, value in values.items():
        inner = found.resolve(schema["properties"][key])
        where = (*place, key)
        if isinstance(value, dict) and value and inner.get("properties"):
            rows += _defaults(found, inner, value, where)
        else:
            rows.append((where, value, inner.get("description", "")))
    return rows


def _body(schema: Schema, default: Default) -> str:
    found = Contract(schema)
    sections = found.sections()
    lines = ["", "## Contents", ""]
    above: list[tuple[str, ...]] = []
    for section in sections[1:]:
        while above and (section.shared or section.place[: len(above[-1])] != above[-1]):
            above.pop()
        lines.append(f"{'  ' * len(above)}- {markdown.link(_heading(section), section.title)}")
        above.append(section.place)
    for section in sections:
        lines += ["", *_section(found, section, default)]
    return "\n".join(lines) + "\n"


def _heading(section: Section) -> str:
    return f"Shape: {markdown.code(section.place[0])}" if section.shared else markdown.code(section.title)


def _section(found: Contract, section: Section, default: Default) -> list[str]:
    about = _about(section)
    lines = [
        f"## {_heading(section)}" if section.place else "## Top level",
        *(["", markdown.wrapped(about)] if about else []),
    ]
    patch = [entry.key for entry in section.entries if not entry.schema]
    if patch:
        return [*lines, "", markdown.wrapped(f"Keys: {', '.join(map(markdown.code, patch))}, each as described above.")]
    lines.append("")
    return lines + [_entry(found, section, entry, default) for entry in section.entries]


def _about(section: Section) -> str:
    text = str(section.schema.get("description", ""))
    if section.schema.get("minProperties") == section.schema.get("maxProperties") == 1:
        return text if "xactly one" in text else f"{text} Exactly one of its keys."
    choices = [branch["required"][0] for branch in section.schema.get("oneOf", ()) if branch.get("required")]
    return f"{text} Exactly one of {' and '.join(map(markdown.code, choices))}." if choices else text


def _entry(found: Contract, section: Section, entry: Entry, default: Default) -> str:
    facts = [type_words(found, entry.schema)]
    value = default(section, entry)
    if entry.required:
        facts.append("**required**")
    elif value is not _ABSENT:
        facts.append(f"default {markdown.code(shown(value))}")
    elif "x-default" in entry.schema:
        facts.append(f"default: {entry.schema['x-default']}")
    if entry.schema.get("x-escape-hatch"):
        facts.append("escape hatch")
    name = markdown.code(entry.key)
    if entry.section is not None:
        name = markdown.link(name, entry.section)
    text = f"**{name}** ({'; '.join(facts)}): {entry.schema.get('description', '')}"
    examples = entry.schema.get("examples")
    if examples and "const" not in entry.schema and examples[0] != value:
        text += f" Example: {markdown.code(shown(examples[0]))}."
    return markdown.wrapped(text, first="- ", rest="  ")


def _schema_default(section: Section, entry: Entry) -> object:
    del section
    return entry.schema.get("default", _ABSENT)


def _chart_default(section: Section, entry: Entry) -> object:
    """Look the default up in values.yaml; the shapes of models and engines have theirs under the keys named for it."""
    del section
    if entry.section is not None and not entry.schema.get("additionalProperties"):
        return _ABSENT
    homes = {"model": "modelDefaults", "engine": "engineDefaults"}
    here: Any = chart.defaults()
    for step in (homes.get(entry.place[0], entry.place[0]), *entry.place[1:]):
        if not isinstance(here, dict) or step not in here:
            return _ABSENT
        here = here[step]
    return here if not isinstance(here, dict) or not here or entry.section is None else _ABSENT
