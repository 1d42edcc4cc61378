"""Every keyword's words, and where they point. Each case: schema, document, the report to the letter."""

from __future__ import annotations

import textwrap

import pytest

from llmgen.contract import SchemaError, check
from llmgen.merge import merge_documents
from llmgen.problems import report
from llmgen.source import read_text

GPU = {
    "type": "object",
    "additionalProperties": False,
    "required": ["kind"],
    "properties": {
        "kind": {"enum": ["nvidia-h100-80gb", "nvidia-l40s-48gb"]},
        "count": {"type": "integer", "minimum": 1, "maximum": 8},
    },
}
SOURCE = {
    "oneOf": [
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["kind", "repository"],
            "properties": {"kind": {"const": "hub"}, "repository": {"type": "string"}, "revision": {"type": "string"}},
        },
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["kind", "claim"],
            "properties": {"kind": {"const": "pvc"}, "claim": {"type": "string"}},
        },
    ],
}


def closed(**properties: object) -> dict:
    return {"type": "object", "additionalProperties": False, "properties": properties}


CASES = {
    "unknown key with a guess": (
        closed(gpu=GPU),
        "gpu:\n  kind: nvidia-h100-80gb\n  cuont: 2\n",
        """\
        f:3:3: error LLM101: gpu.cuont: unknown key
             3 |   cuont: 2
               |   ^^^^^
               allowed: count, kind
               hint: did you mean 'count'?
        """,
    ),
    "each unknown key is one problem": (
        closed(a={}),
        "b: 1\nc: 2\n",
        """\
        f:1:1: error LLM101: b: unknown key
             1 | b: 1
               | ^
               allowed: a
        f:2:1: error LLM101: c: unknown key
             2 | c: 2
               | ^
               allowed: a
        """,
    ),
    "a key in the wrong place": (
        closed(
            models={
                "type": "object",
                "additionalProperties": closed(scaling=closed(replicas={}, minReplicas={}), source={}),
            },
            gateway=closed(port={}),
        ),
        "models:\n  chat:\n    replicas: 2\n    scaling: {port: 3}\n",
        """\
        f:3:5: error LLM101: models.chat.replicas: unknown key
             3 |     replicas: 2
               |     ^^^^^^^^
               allowed: scaling, source
               hint: 'replicas' belongs under 'scaling'
        f:4:15: error LLM101: models.chat.scaling.port: unknown key
             4 |     scaling: {port: 3}
               |               ^^^^
               allowed: minReplicas, replicas
               hint: 'port' belongs under 'gateway'
        """,
    ),
    "another way to write a known key": (
        closed(maxModelLen={}),
        "max-model-len: 4\n",
        """\
        f:1:1: error LLM101: max-model-len: unknown key
             1 | max-model-len: 4
               | ^^^^^^^^^^^^^
               allowed: maxModelLen
               hint: did you mean 'maxModelLen'?
        """,
    ),
    "missing keys": (
        {"type": "object", "required": ["a", "b"], "properties": {"m": {"type": "object", "required": ["x"]}}},
        "m:\n  z: 1\na: 1\n",
        """\
        f:1:1: error LLM102: the key 'b' is missing
             1 | m:
               | ^^
               hint: required here: a, b
        f:1:1: error LLM102: m: the key 'x' is missing
             1 | m:
               | ^
               hint: required here: x
        """,
    ),
    "a missing key that is only misspelt": (
        {"type": "object", "required": ["source"], "properties": {"source": {}}},
        "sources: 1\n",
        """\
        f:1:1: error LLM102: the key 'source' is missing
             1 | sources: 1
               | ^^^^^^^^^^
               hint: is 'sources' meant to be 'source'?
        """,
    ),
    "a missing key that is reported as unknown already": (
        closed(source={}) | {"required": ["source", "gpu"]},
        "sources: 1\n",
        """\
        f:1:1: error LLM101: sources: unknown key
             1 | sources: 1
               | ^^^^^^^
               allowed: source
               hint: did you mean 'source'?
        f:1:1: error LLM102: the key 'gpu' is missing
             1 | sources: 1
               | ^^^^^^^^^^
               hint: required here: source, gpu
        """,
    ),
    "quotes alone would not help": (
        closed(timeout={"type": "string", "pattern": "^[0-9]+s$", "x-patternHint": "seconds such as 30s"}),
        "timeout: 30\n",
        """\
        f:1:10: error LLM103: timeout: expected text, got the number 30
             1 | timeout: 30
               |          ^^
               hint: the expected form is seconds such as 30s
        """,
    ),
    "exactly one key": (
        closed(source=closed(hub={}, volume={}) | {"minProperties": 1, "maxProperties": 1}),
        "source: {}\n",
        """\
        f:1:9: error LLM108: source: expected at least 1 key, got none
             1 | source: {}
               |         ^^
               allowed: hub, volume
        """,
    ),
    "types": (
        closed(
            a={"type": "integer"},
            b={"type": "string"},
            c={"type": "boolean"},
            d={"type": "array"},
            e={"type": "object"},
            f={"type": ["integer", "null"]},
            g={"type": "object"},
            h={"type": "number"},
            i={"type": "string"},
        ),
        'a: "4"\nb: 0.10\nc: "true"\nd: x\ne:\n  - 1\nf: [1]\ng:\nh: true\ni:\n  x: 1\n',
        """\
        f:1:4: error LLM103: a: expected a whole number, got the text "4"
             1 | a: "4"
               |    ^^^
               hint: remove the quotes: 4
        f:2:4: error LLM103: b: expected text, got the number 0.10
             2 | b: 0.10
               |    ^^^^
               hint: put it in quotes: "0.10"
        f:3:4: error LLM103: c: expected true or false, got the text "true"
             3 | c: "true"
               |    ^^^^^^
               hint: remove the quotes: true
        f:4:4: error LLM103: d: expected a list, got the text "x"
             4 | d: x
               |    ^
               hint: write it as a list: ["x"]
        f:5:1: error LLM103: e: expected a map, got a list
             5 | e:
               | ^
               hint: write `name: …` entries instead of `- …` items
        f:7:4: error LLM103: f: expected a whole number or null, got a list
             7 | f: [1]
               |    ^^^
        f:8:3: error LLM103: g: expected a map, got nothing (null)
             8 | g:
               |   ^
               hint: indent its keys below it, write {} for none, or remove the key
        f:9:4: error LLM103: h: expected a number, got true
             9 | h: true
               |    ^^^^
               hint: write digits
        f:10:1: error LLM103: i: expected text, got a map
            10 | i:
               | ^
        """,
    ),
    "enum and const": (
        closed(kind=GPU["properties"]["kind"], version={"const": "v1"}),
        "kind: nvidia-h100\nversion: v2\n",
        """\
        f:1:7: error LLM104: kind: 'nvidia-h100' is not allowed
             1 | kind: nvidia-h100
               |       ^^^^^^^^^^^
               allowed: nvidia-h100-80gb, nvidia-l40s-48gb
               hint: did you mean 'nvidia-h100-80gb'?
        f:2:10: error LLM104: version: 'v2' is not allowed
             2 | version: v2
               |          ^^
               allowed: v1
               hint: write v1
        """,
    ),
    "pattern": (
        closed(a={"pattern": "^[0-9]+Gi$", "x-patternHint": "a quantity such as 20Gi"}, b={"pattern": "^x"}),
        "a: 20 GB\nb: z\n",
        """\
        f:1:4: error LLM105: a: '20 GB' does not have the expected form: a quantity such as 20Gi
             1 | a: 20 GB
               |    ^^^^^
        f:2:4: error LLM105: b: 'z' does not match ^x
             2 | b: z
               |    ^
        """,
    ),
    "bounds": (
        closed(
            a={"minimum": 1},
            b={"maximum": 8},
            c={"exclusiveMinimum": 0},
            d={"exclusiveMaximum": 1},
            e={"multipleOf": 4},
        ),
        "a: 0\nb: 9\nc: 0\nd: 1.0\ne: 6\n",
        """\
        f:1:4: error LLM106: a: 0 is too small: it must be at least 1
             1 | a: 0
               |    ^
        f:2:4: error LLM107: b: 9 is too large: it must be at most 8
             2 | b: 9
               |    ^
        f:3:4: error LLM106: c: 0 is too small: it must be more than 0
             3 | c: 0
               |    ^
        f:4:4: error LLM107: d: 1.0 is too large: it must be less than 1
             4 | d: 1.0
               |    ^^^
        f:5:4: error LLM114: e: 6 is not a multiple of 4
             5 | e: 6
               |    ^
        """,
    ),
    "sizes": (
        closed(a={"minLength": 1}, b={"maxItems": 1}, c={"minProperties": 2}),
        'a: ""\nb: [1, 2]\nc: {x: 1}\n',
        """\
        f:1:4: error LLM108: a: expected at least 1 character, got none
             1 | a: ""
               |    ^^
        f:2:4: error LLM108: b: expected at most 1 item, got 2
             2 | b: [1, 2]
               |    ^^^^^^
        f:3:4: error LLM108: c: expected at least 2 keys, got 1
             3 | c: {x: 1}
               |    ^^^^^^
        """,
    ),
    "duplicate items": (
        closed(a={"uniqueItems": True}),
        "a:\n  - x\n  - z\n  - x\n",
        """\
        f:4:5: error LLM109: a[2]: 'x' occurs twice
             4 |   - x
               |     ^
               note: first here: f:2:5
               hint: remove one
        """,
    ),
    "key form": (
        {"propertyNames": {"pattern": "^[a-z0-9-]+$", "x-patternHint": "letters and dashes"}},
        "Chat_1: {}\n",
        """\
        f:1:1: error LLM111: Chat_1: as a key, 'Chat_1' does not have the expected form: letters and dashes
             1 | Chat_1: {}
               | ^^^^^^
        """,
    ),
    "companions": (
        {"dependentRequired": {"canary": ["weight"]}},
        "canary: true\n",
        """\
        f:1:1: error LLM112: canary: 'canary' needs 'weight' beside it
             1 | canary: true
               | ^^^^^^
               hint: add 'weight', or remove 'canary'
        """,
    ),
    "not possible": (
        closed(
            shadow={"not": {}, "x-forbidden": "mirroring is not available yet"},
            both={"not": {"required": ["a", "b"]}},
            never=False,
        ),
        "shadow: 1\nboth: {a: 1, b: 2}\nnever: 1\n",
        """\
        f:1:1: error LLM113: shadow: mirroring is not available yet
             1 | shadow: 1
               | ^^^^^^
        f:2:14: error LLM113: both.b: 'a' and 'b' cannot be used together
             2 | both: {a: 1, b: 2}
               |              ^
        f:3:1: error LLM113: never: 'never' is not possible here
             3 | never: 1
               | ^^^^^
               hint: remove it
        """,
    ),
    "the branch that the discriminator names": (
        closed(source=SOURCE),
        "source:\n  kind: pvc\n  claim: 1\n  revision: abc\n",
        """\
        f:3:10: error LLM103: source.claim: expected text, got the number 1
             3 |   claim: 1
               |          ^
               hint: put it in quotes: "1"
        f:4:3: error LLM101: source.revision: unknown key
             4 |   revision: abc
               |   ^^^^^^^^
               allowed: claim, kind
        """,
    ),
    "an unknown discriminator": (
        closed(source=SOURCE),
        "source: {kind: hbu}\n",
        """\
        f:1:16: error LLM104: source.kind: 'hbu' is not allowed
             1 | source: {kind: hbu}
               |                ^^^
               allowed: hub, pvc
        """,
    ),
    "no discriminator": (
        closed(source=SOURCE),
        "source: {claim: x}\n",
        """\
        f:1:1: error LLM102: source: the key 'kind' is missing
             1 | source: {claim: x}
               | ^^^^^^
               allowed: hub, pvc
               hint: add 'kind: …'
        """,
    ),
    "a word or a map": (
        closed(gpu={"oneOf": [{"const": "auto"}, GPU]}),
        "gpu: 4\n",
        """\
        f:1:6: error LLM103: gpu: expected auto or a map, got the number 4
             1 | gpu: 4
               |      ^
        """,
    ),
    "the only branch of that type": (
        closed(gpu={"oneOf": [{"const": "auto"}, GPU]}),
        "gpu: {kind: nvidia-h100-80gb, count: 0}\n",
        """\
        f:1:38: error LLM106: gpu.count: 0 is too small: it must be at least 1
             1 | gpu: {kind: nvidia-h100-80gb, count: 0}
               |                                      ^
        """,
    ),
    "two texts": (
        closed(at={"anyOf": [{"type": "string", "pattern": "^[0-9]+$"}, {"type": "string", "enum": ["now"]}]}),
        "at: later\n",
        """\
        f:1:5: error LLM110: at: 'later' fits none of its forms: 'later' does not match ^[0-9]+$; 'later' is not allowed
             1 | at: later
               |     ^^^^^
        """,
    ),
    "one of two keys": (
        closed(
            a={"oneOf": [{"required": ["x"]}, {"required": ["z"]}]},
            b={"oneOf": [{"required": ["x"]}, {"required": ["z"]}]},
        ),
        "a: {}\nb: {x: 1, z: 2}\n",
        """\
        f:1:1: error LLM110: a: one of these keys is needed: x, z
             1 | a: {}
               | ^
        f:2:11: error LLM115: b.z: 'x' and 'z' exclude each other
             2 | b: {x: 1, z: 2}
               |           ^
               hint: keep one of them
        """,
    ),
    "a condition is named": (
        {
            "if": {"properties": {"kind": {"const": "pvc"}}, "required": ["kind"]},
            "then": {"required": ["claim"]},
            "else": {"required": ["url"]},
        },
        "kind: pvc\n",
        """\
        f:1:1: error LLM102: the key 'claim' is missing when 'kind' is pvc
             1 | kind: pvc
               | ^^^^^^^^^
               hint: required here: claim
        """,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_words_and_places(case: str) -> None:
    schema, text, wanted = CASES[case]
    reading = read_text(text, "f")
    assert reading.problems == ()
    assert reading.document is not None
    assert report(check(reading.document, schema)) == textwrap.dedent(wanted)


def test_nothing_wrong() -> None:
    document = read_text("gpu: {kind: nvidia-l40s-48gb, count: 8}\n", "f").document
    assert document is not None
    assert check(document, closed(gpu=GPU)) == []
    assert check(document, GPU, at=("gpu",)) == []
    with pytest.raises(KeyError):
        check(document, GPU, at=("cpu",))


def test_a_value_refused_while_reading_is_not_blamed_twice() -> None:
    reading = read_text("a: yes\non: 1\n", "f")
    assert [problem.id for problem in reading.problems] == ["LLM023", "LLM022"]
    assert reading.document is not None
    assert check(reading.document, closed(a={"type": "integer"})) == []


def test_a_required_key_that_a_patch_deletes_is_blamed_on_the_patch() -> None:
    document = read_text("a: {x: 1}\npatch:\n  a:\n    x: null\n", "f").document
    assert document is not None
    merged = merge_documents(document, ("patch",))
    schema = {"properties": {"a": {"type": "object", "required": ["x"]}}}
    (problem,) = check(merged, schema)
    assert (problem.id, problem.path, problem.span.line) == ("LLM102", ("a", "x"), 4)
    assert problem.message == "the key 'x' is required and set to null here"


def test_recursive_schema() -> None:
    schema = {
        "$ref": "#/$defs/tree",
        "$defs": {"tree": closed(leaf={"type": "integer"}, inner={"$ref": "#/$defs/tree"})},
    }
    document = read_text("inner: {inner: {inner: {leef: 1}}}\n", "f").document
    assert document is not None
    (problem,) = check(document, schema)
    assert problem.path == ("inner", "inner", "inner", "leef")
    assert problem.hint == "did you mean 'leaf'?"


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"contains": {}}, "the keyword 'contains' is not supported"),
        ({"properties": {"a": {"tpye": "string"}}}, "the keyword 'tpye' is not supported"),
        ({"$ref": "#/$defs/gone"}, "there is no \\$defs"),
        ({"$ref": "other.json"}, "not self-contained"),
        ({"items": 3}, "a schema must be a map"),
    ],
)
def test_a_schema_that_is_not_understood_is_refused(schema: dict, message: str) -> None:
    document = read_text("a: 1\n", "f").document
    assert document is not None
    with pytest.raises(SchemaError, match=message):
        check(document, schema)
