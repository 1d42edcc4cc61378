"""LLM1xx: a document does not have the shape that its schema asks for."""

from __future__ import annotations

from llmgen.problems.ids import Kind

KINDS = (
    Kind(
        id="LLM101",
        name="unknown-key",
        title="A key that is not known here",
        explanation=(
            "Maps are closed: a key that nothing reads is a typing slip or stands in the wrong place, and would "
            "otherwise be ignored silently."
        ),
        fix="Correct the spelling, move the key to where it belongs, or remove it.",
    ),
    Kind(
        id="LLM102",
        name="missing-key",
        title="A required key is missing",
        explanation="The map lacks a key that has no sensible default.",
        fix="Add the key.",
    ),
    Kind(
        id="LLM103",
        name="wrong-type",
        title="A value of the wrong type",
        explanation="Text, whole numbers, numbers, true/false, lists and maps are different things: "
        '"4" in quotes is text, 4 is a number.',
        fix="Write the value as the type that is expected.",
    ),
    Kind(
        id="LLM104",
        name="not-allowed",
        title="A value outside the allowed ones",
        explanation="Only the listed values have a meaning here.",
        fix="Choose one of the allowed values.",
    ),
    Kind(
        id="LLM105",
        name="wrong-form",
        title="Text that does not have the expected form",
        explanation=(
            "Names, quantities, versions and references follow a pattern, because something downstream refuses or "
            "misreads anything else."
        ),
        fix="Write the text in the form that the message describes.",
    ),
    Kind(
        id="LLM106",
        name="too-small",
        title="A number below its least value",
        explanation="The number is smaller than what makes sense or works.",
        fix="Choose a larger number.",
    ),
    Kind(
        id="LLM107",
        name="too-large",
        title="A number above its greatest value",
        explanation="The number is larger than what makes sense or works.",
        fix="Choose a smaller number.",
    ),
    Kind(
        id="LLM108",
        name="wrong-size",
        title="Text, a list or a map of the wrong size",
        explanation="The value has fewer or more characters, items or keys than allowed.",
        fix="Add or remove some.",
    ),
    Kind(
        id="LLM109",
        name="duplicate-item",
        title="An item occurs twice in a list",
        explanation="The list is a set: a second equal item has no effect and is probably a slip.",
        fix="Remove one of the two.",
    ),
    Kind(
        id="LLM110",
        name="no-form-fits",
        title="A value that fits none of its forms",
        explanation="The value may be written in several forms and matches none of them.",
        fix="Choose one form and write all of it.",
    ),
    Kind(
        id="LLM111",
        name="key-form",
        title="A key that does not have the expected form",
        explanation=("Keys that become names of Kubernetes objects, labels or flags follow the rules of those."),
        fix="Rename the key.",
    ),
    Kind(
        id="LLM112",
        name="missing-companion",
        title="A key that needs another key beside it",
        explanation="One setting only has a meaning together with another.",
        fix="Add the other key, or remove this one.",
    ),
    Kind(
        id="LLM113",
        name="not-possible-here",
        title="A setting that is not possible here",
        explanation="The setting is known but cannot be used in this place or together with the others.",
        fix="Remove it, or change what it conflicts with.",
    ),
    Kind(
        id="LLM114",
        name="not-a-multiple",
        title="A number that is not a multiple",
        explanation="The number only works in steps.",
        fix="Round it to a multiple.",
    ),
    Kind(
        id="LLM115",
        name="several-forms",
        title="A value that mixes forms that exclude each other",
        explanation="Exactly one of several forms may be used, and the value matches more than one.",
        fix="Keep the keys of one form.",
    ),
)
