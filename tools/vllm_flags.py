"""Write one vLLM catalogue file from an unpacked vLLM source tree.

    python tools/vllm_flags.py SOURCE VERSION [--catalog DIR]

SOURCE holds the package folder ``vllm`` (an unzipped wheel or sdist). Only facts are kept: names, types, defaults,
choices. What is removed is found against the catalogue files of earlier minors, so run it on old minors first; why and
what to use instead is in vllm-notes.yaml, written by people.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
from pathlib import Path
from typing import Any

import yaml

from vllm_metrics import metrics
from vllm_source import UNKNOWN, Module, Source
from vllm_types import flag_type

CATALOG = Path(__file__).parent.parent / "generator" / "llmgen" / "catalog"


class Flags:
    """Collects flags from the functions that fill vLLM's argument parser, in the order they run."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: dict[str, dict[str, Any]] = {}

    def from_function(self, module: Module, function: ast.FunctionDef) -> None:
        """Follow ``x_kwargs = get_kwargs(Config)``, overrides of its entries, and ``add_argument`` calls."""
        configs: dict[str, str] = {}
        overrides: dict[tuple[str, str], dict[str, Any]] = {}
        fields: dict[str, tuple[str, str]] = {}
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                self._assignment(module, node, configs, fields, overrides)
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".add_argument"):
                self._argument(module, node, configs, fields, overrides)

    def from_class(self, module: Module, cls: ast.ClassDef) -> None:
        """One flag for every field of a frontend class; its ``kwargs["x"]["type"] = ...`` lines apply."""
        overrides: dict[tuple[str, str], dict[str, Any]] = {}
        parents = [self.source.resolve(module, ast.unparse(base)) for base in cls.bases]
        for owner in [cls, *(found[1] for found in parents if found)]:
            for node in ast.walk(owner):
                if isinstance(node, ast.Assign):
                    self._assignment(module, node, {}, {}, overrides)
        for name in self.source.fields(module, cls):
            facts = self._field(module, cls, name) | overrides.get(("frontend_kwargs", name), {})
            self.found.setdefault(name.replace("_", "-"), facts)

    def _assignment(
        self,
        module: Module,
        node: ast.Assign,
        configs: dict[str, str],
        fields: dict[str, tuple[str, str]],
        overrides: dict[tuple[str, str], dict[str, Any]],
    ) -> None:
        target, value = ast.unparse(node.targets[0]), ast.unparse(node.value)
        if match := re.fullmatch(r"get_kwargs\((\w+)\)", value):
            configs[target] = match[1]
        elif match := re.fullmatch(r"get_kwargs\((\w+)\)\['(\w+)'\]", value):
            configs[f"{target}!"] = match[1]
            fields[target] = (f"{target}!", match[2])
        elif match := re.fullmatch(r"(\w+)\['(\w+)'\]", value):
            fields[target] = (match[1], match[2])
        elif match := re.fullmatch(r"(\w+)\['(\w+)'\]\['(type|choices|default)'\]", target):
            change = overrides.setdefault((match[1], match[2]), {})
            if match[3] == "type" and "json.loads" in value:
                change["type"] = "json"
            elif match[3] == "choices" and isinstance(choices := self.source.value(module, node.value), list):
                change |= {"type": "choice", "choices": choices}

    def _argument(
        self,
        module: Module,
        call: ast.Call,
        configs: dict[str, str],
        fields: dict[str, tuple[str, str]],
        overrides: dict[tuple[str, str], dict[str, Any]],
    ) -> None:
        names = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        names = [name for name in names if name.startswith("-")]
        if not names:
            return
        long = next(name for name in names if name.startswith("--"))
        facts: dict[str, Any] = {}
        keywords: dict[str, ast.expr] = {}
        for item in call.keywords:
            if item.arg:
                keywords[item.arg] = item.value
                continue
            inner, extra = _unpacked(item.value)
            text = ast.unparse(inner)
            match = re.fullmatch(r"(\w+)\['(\w+)'\]", text)
            key = (match[1], match[2]) if match else fields.get(text)
            if key and (found := self.source.resolve(module, configs.get(key[0], ""))):
                facts = self._field(found[0], _class(found[1]), key[1]) | overrides.get(key, {})
                if "default" in extra and (value := self.source.value(module, extra["default"])) is not UNKNOWN:
                    facts["default"] = value
        facts = facts or _explicit(self.source, module, keywords)
        if aliases := sorted(name for name in names if name != long):
            facts["aliases"] = aliases
        if "deprecat" in ast.unparse(call).casefold():
            facts["deprecated"] = True
        self.found.setdefault(long[2:], facts)

    def _field(self, module: Module, cls: ast.ClassDef, name: str) -> dict[str, Any]:
        fields = self.source.fields(module, cls)
        if name not in fields:
            raise KeyError(f"{cls.name}.{name} is not a field: vLLM's layout changed, adapt this script")
        owner, annotation, default = fields[name]
        facts = flag_type(self.source, owner, annotation)
        if (value := self.source.value(owner, default)) is not UNKNOWN:
            facts["default"] = value
        return facts


def _explicit(source: Source, module: Module, keywords: dict[str, ast.expr]) -> dict[str, Any]:
    action = ast.unparse(keywords["action"]) if "action" in keywords else ""
    kind = ast.unparse(keywords["type"]) if "type" in keywords else "str"
    facts: dict[str, Any] = {"type": next((name for name in ("int", "float") if kind == name), "str")}
    if "BooleanOptionalAction" in action:
        facts = {"type": "bool", "negatable": True}
    elif "store_true" in action:
        facts = {"type": "bool", "default": False}
    elif "json.loads" in kind:
        facts = {"type": "json"}
    elif "nargs" in keywords or ".split(" in kind:
        facts = {"type": "list"}
    elif "choices" in keywords:
        choices = source.value(module, keywords["choices"])
        if isinstance(choices, list):
            facts = {"type": "choice", "choices": sorted(choices)}
    value = source.value(module, keywords["default"]) if "default" in keywords else None  # as argparse does
    if value is not UNKNOWN:
        facts.setdefault("default", value)
    return facts


def _unpacked(node: ast.expr) -> tuple[ast.expr, dict[str, ast.expr]]:
    """``{**kwargs["x"], "default": None}`` -> what is unpacked, and the keys set on top."""
    if not isinstance(node, ast.Dict) or None not in node.keys:
        return node, {}
    pairs = list(zip(node.keys, node.values, strict=True))
    extra = {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}
    return next(value for key, value in pairs if key is None), extra


def flags(source: Source) -> dict[str, dict[str, Any]]:
    """Every flag of ``vllm serve``, sorted by name."""
    collected = Flags(source)
    serve = source.module("entrypoints/launchers/cli_args.py", "entrypoints/openai/cli_args.py")
    engine = source.module("engine/arg_utils.py")
    collected.from_function(serve, _function(serve.tree, "make_arg_parser"))
    collected.from_class(serve, _class(serve.names["FrontendArgs"]))
    for name in ("EngineArgs", "AsyncEngineArgs"):
        collected.from_function(engine, _function(_class(engine.names[name]), "add_cli_args"))
    return dict(sorted(collected.found.items()))


def _class(node: ast.AST) -> ast.ClassDef:
    if not isinstance(node, ast.ClassDef):
        raise TypeError(f"expected a class, found {type(node).__name__}: vLLM's layout changed, adapt this script")
    return node


def _function(tree: ast.AST, name: str) -> ast.FunctionDef:
    return next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name)


def features(source: Source, found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Answer what the generator asks a version about."""
    envs = source.module("envs.py").path.read_text(encoding="utf-8")
    config = source.module("config/vllm.py", "config/__init__.py").path.read_text(encoding="utf-8")
    runner = re.search(r'getenv\("VLLM_USE_V2_MODEL_RUNNER", (\S+?)\)', envs)
    selected = config.partition("def _is_default_v2_model_runner_model")[2].partition("\n    def ")[0]
    if runner is None or runner[1] == '"0"':
        default = "off"
    elif selected:
        default = "dense" if "or not model_config.is_moe" in selected else "listed"
    else:
        default = "default"
    return {
        "shutdownTimeout": "shutdown-timeout" in found,
        "maxNumQueuedReqs": "max-num-queued-reqs" in found,
        "maxNumQueuedTokens": "max-num-queued-tokens" in found,
        "customHistogramBuckets": "custom-histogram-buckets" in found,
        "safetensorsLoadStrategy": "safetensors-load-strategy" in found,
        # off: never by itself; listed: some architectures; dense: those and dense ones; default: all it can
        "modelRunnerV2": default,
        "cudaGraphEstimate": bool(re.search(r'getenv\("VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS", "1"\)', envs)),
    }


def device_defaults(source: Source) -> list[dict[str, Any]]:
    """Read what the API server takes for limits left unset, by GPU memory; the first rule that applies wins."""
    text = source.module("engine/arg_utils.py").path.read_text(encoding="utf-8")
    start = text.index("device_memory >= ")
    rules = []
    for block in re.finditer(r"(?:if|elif) (device_memory >= [^:]+):|(?:^\s+else):", text[start - 3 :], re.MULTILINE):
        tail = text[start - 3 + block.end() :]
        tokens, seqs = re.findall(r"UsageContext\.OPENAI_API_SERVER: (\d+)", tail)[:2]
        rule: dict[str, Any] = {"maxNumBatchedTokens": int(tokens), "maxNumSeqs": int(seqs)}
        if block[1] and (size := re.search(r"(\d+) \* GiB_bytes", block[1])):
            rule = {"minMemoryGiB": int(size[1])} | ({"exceptA100": True} if "a100" in block[1] else {}) | rule
        rules.append(rule)
        if not block[1]:
            break
    return rules


def removed(
    kind: str, now: dict[str, Any], earlier: dict[str, dict[str, Any]], notes: dict[str, Any], minor: str
) -> dict[str, Any]:
    """Names of earlier minors (oldest first) that are gone: since which minor, and what to use instead."""
    gone: dict[str, Any] = {}
    for name, note in notes["removed"][kind].items():
        if "since" in note and _order(note["since"]) <= _order(minor) and name not in now:
            gone[name] = {"since": note["since"]}
    versions = [*earlier, minor]
    for index, version in enumerate(earlier):
        for name in set(earlier[version][kind]) - set(now):
            last_seen = max(i for i, other in enumerate(earlier) if name in earlier[other][kind])
            if index == last_seen:
                gone[name] = {"since": versions[last_seen + 1]}
    for name, facts in gone.items():
        if use := notes["removed"][kind].get(name, {}).get("use"):
            facts["use"] = use
    return dict(sorted(gone.items()))


def _order(minor: str) -> tuple[int, ...]:
    return tuple(int(part) for part in minor.split("."))


def _flow(value: Any) -> str:  # noqa: ANN401 -- plain data
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    # As JSON, but for words no YAML reader takes for anything else.
    plain = isinstance(value, str) and re.fullmatch(r"[a-z][a-z0-9_]{2,}", value)
    return str(value) if plain and value not in {"true", "false", "null", "yes", "off"} else json.dumps(value)


def main() -> None:
    """Write CATALOG/vllm/MINOR.yaml."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("version", help="for example 0.32.0")
    parser.add_argument("--catalog", type=Path, default=CATALOG)
    args = parser.parse_args()
    source = Source(args.source)
    minor = ".".join(args.version.split(".")[:2])
    folder = args.catalog / "vllm"
    older = sorted((p for p in folder.glob("*.yaml") if _order(p.stem) < _order(minor)), key=lambda p: _order(p.stem))
    earlier = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in older}
    notes = yaml.safe_load((args.catalog / "vllm-notes.yaml").read_text(encoding="utf-8"))
    found, families = flags(source), metrics(args.source / "vllm")
    sections = {
        "features": features(source, found),
        "flags": found,
        "removedFlags": removed("flags", found, earlier, notes, minor),
        "metrics": families,
        "removedMetrics": removed("metrics", families, earlier, notes, minor),
    }
    lines = [
        f"# vLLM {minor}: written by tools/vllm_flags.py from the source of {args.version}; do not edit.",
        f'version: "{args.version}"',
        f"source: https://github.com/vllm-project/vllm/tree/v{args.version}",
        "deviceDefaults:",
        *(f"  - {_flow(rule)}" for rule in device_defaults(source)),
    ]
    for title, entries in sections.items():
        lines += [f"{title}:" if entries else f"{title}: {{}}", *(f"  {k}: {_flow(v)}" for k, v in entries.items())]
    (folder / f"{minor}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
