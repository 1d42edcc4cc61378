"""Find the Prometheus families a vLLM source tree registers: name as scraped, type, labels, always there or not."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

BASE = ["model_name", "engine"]
# Registered for every server; other modules belong to a feature (KV connectors, sleep mode, ...).
_ALWAYS = ("v1/metrics/loggers.py", "v1/metrics/perf.py")


def metrics(package: Path) -> dict[str, dict[str, Any]]:
    """Family name (counters with ``_total``) -> {type, labels, optional}, for every literal ``vllm:`` name."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(package.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        relative = path.relative_to(package).as_posix()
        if '"vllm:' not in text or relative.startswith(("benchmarks/", "v1/metrics/ray", "v1/metrics/reader")):
            continue
        visitor = _Visitor(always=relative in _ALWAYS)
        visitor.visit(ast.parse(text))
        for name, facts in visitor.found.items():
            if name not in found or found[name].get("optional"):
                found[name] = facts
    return dict(sorted(found.items()))


class _Visitor(ast.NodeVisitor):
    def __init__(self, *, always: bool) -> None:
        self.always = always
        self.conditional = 0
        self.names: dict[str, ast.expr] = {}
        self.found: dict[str, dict[str, Any]] = {}

    def visit_If(self, node: ast.If) -> None:
        # `if self.show_hidden_metrics:` and feature tests: what is inside is not always exported.
        self.conditional += 1
        self.generic_visit(node)
        self.conditional -= 1

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        outer, self.conditional = self.conditional, 0
        self.generic_visit(node)
        self.conditional = outer

    def visit_Assign(self, node: ast.Assign) -> None:
        target = ast.unparse(node.targets[0])
        self.names[target] = node.value
        if target == "name" and _literal(node.value).startswith("vllm:"):
            # log_metrics_info(): a gauge of value 1 whose labels are the config's own fields.
            self._add(_literal(node.value), "gauge", ["engine"], open_labels=True)
        if "counter" in target and isinstance(node.value, ast.List):
            for item in node.value.elts:
                if isinstance(item, ast.Tuple) and _literal(item.elts[0]).startswith("vllm:"):
                    self._add(_literal(item.elts[0]), "counter", BASE, optional=True)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        callee = ast.unparse(node.func).casefold()
        kind = next((kind for kind in ("gauge", "counter", "histogram") if kind in callee), None)
        keywords = {item.arg: item.value for item in node.keywords}
        name = self._label(keywords.get("name", node.args[0] if node.args else None))
        if kind and name.startswith("vllm:"):
            labels = keywords.get("labelnames", node.args[2] if len(node.args) > 2 else None)  # noqa: PLR2004
            self._add(name, kind, self._labels(labels), optional=not self.always or self.conditional > 0)
        self.generic_visit(node)

    def _add(
        self, name: str, kind: str, labels: list[str], *, optional: bool = False, open_labels: bool = False
    ) -> None:
        name = name.removesuffix("_total") + "_total" if kind == "counter" else name
        facts: dict[str, Any] = {"type": kind, "labels": labels}
        if open_labels:
            facts["openLabels"] = True
        if optional:
            facts["optional"] = True
        self.found.setdefault(name, facts)

    def _labels(self, node: ast.expr | None) -> list[str]:
        if node is None:
            return []
        if isinstance(node, ast.List):
            return [label for item in node.elts if (label := self._label(item))]
        if isinstance(node, ast.BinOp):
            return self._labels(node.left) + self._labels(node.right)
        assigned = self.names.get(ast.unparse(node))
        return self._labels(assigned) if isinstance(assigned, (ast.List, ast.BinOp)) else list(BASE)

    def _label(self, node: ast.expr | None) -> str:
        return _literal(node) or (_literal(self.names.get(ast.unparse(node))) if node else "")


def _literal(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
