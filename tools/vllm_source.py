"""Read facts out of an unpacked vLLM source tree by ``ast``; nothing of vLLM is imported or run."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

UNKNOWN = object()  # a value that only running the code would tell


class Module:
    """One source file: its top-level names, through ``if`` and ``try`` blocks, and what it imports."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = ast.parse(path.read_text(encoding="utf-8"))

    @cached_property
    def names(self) -> dict[str, ast.AST]:
        """Classes, functions and the value expressions of assignments; the first definition wins."""
        found: dict[str, ast.AST] = {}
        for node in _statements(self.tree.body):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                found.setdefault(node.name, node)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found.setdefault(node.targets[0].id, node.value)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                found.setdefault(node.target.id, node.value)
        return found

    @cached_property
    def imports(self) -> dict[str, tuple[str, str]]:
        """Imported name -> (module, name there), for imports from inside vLLM."""
        found: dict[str, tuple[str, str]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and (module := self._absolute(node)).startswith("vllm"):
                found |= {alias.asname or alias.name: (module, alias.name) for alias in node.names}
        return found

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = [*self.path.parent.parts]
        package = package[len(package) - package[::-1].index("vllm") - 1 :]
        package = package[: len(package) - node.level + 1]
        return ".".join([*package, *([node.module] if node.module else [])])


class Source:
    """A source tree. ``root`` holds the package folder ``vllm``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._modules: dict[Path, Module] = {}

    def module(self, *candidates: str) -> Module:
        """Load the first of ``candidates`` (paths below vllm/) that exists. Raises FileNotFoundError."""
        for candidate in candidates:
            path = self.root / "vllm" / candidate
            if path.is_file():
                if path not in self._modules:
                    self._modules[path] = Module(path)
                return self._modules[path]
        raise FileNotFoundError(f"none of {candidates} in {self.root}")

    def resolve(self, module: Module, name: str, depth: int = 0) -> tuple[Module, ast.AST] | None:
        """Where ``name`` is defined as seen from ``module``, following imports; None for third-party names."""
        imported = module.imports.get(name)
        local = module.names.get(name)
        # `if TYPE_CHECKING: from x import Name / else: Name = Any`: the import holds the truth.
        if local is not None and (imported is None or not isinstance(local, (ast.Name, ast.Constant))):
            return module, local
        if imported is None or depth > 5:  # noqa: PLR2004 -- re-exports are never deeper
            return None
        dotted = imported[0].split(".")[1:]
        try:
            target = self.module("/".join(dotted) + ".py", "/".join([*dotted, "__init__.py"]))
        except FileNotFoundError:
            return None
        return self.resolve(target, imported[1], depth + 1)

    def value(self, module: Module, node: ast.AST | None) -> Any:  # noqa: ANN401, PLR0911 -- any literal; one return per kind
        """Evaluate a literal expression, following names and class attributes; UNKNOWN if it is none."""
        if node is None:
            return UNKNOWN
        try:
            return ast.literal_eval(node)
        except ValueError:
            pass
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            sides = self.value(module, node.left), self.value(module, node.right)
            return sides[0] * sides[1] if UNKNOWN not in sides else UNKNOWN
        if isinstance(node, ast.Name):
            found = self.resolve(module, node.id)
            return self.value(*found) if found and not isinstance(found[1], ast.ClassDef) else UNKNOWN
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found = self.resolve(module, node.value.id)
            if found and isinstance(found[1], ast.ClassDef):
                return self.class_value(found[0], found[1], node.attr)
        if isinstance(node, ast.Lambda):
            return self.value(module, node.body)
        return self._call_value(module, node) if isinstance(node, ast.Call) else UNKNOWN

    def class_value(self, module: Module, cls: ast.ClassDef, name: str) -> Any:  # noqa: ANN401
        """Default of one class attribute or dataclass field."""
        for owner, annotation in self.fields(module, cls).items():
            if owner == name:
                return self.value(annotation[0], annotation[2])
        return UNKNOWN

    def _call_value(self, module: Module, call: ast.Call) -> Any:  # noqa: ANN401
        callee = ast.unparse(call.func)
        if callee in {"Field", "field"}:
            keywords = {item.arg: item.value for item in call.keywords}
            if "default" in keywords or call.args:
                return self.value(module, keywords.get("default", call.args[0] if call.args else None))
            factory = keywords.get("default_factory")
            if isinstance(factory, ast.Name) and factory.id in {"list", "dict", "set"}:
                return [] if factory.id != "dict" else {}
            return self.value(module, factory) if isinstance(factory, ast.Lambda) else UNKNOWN
        if callee == "get_args" and (alias := self.resolve(module, ast.unparse(call.args[0]))):
            literal = alias[1]
            return list(self.value(alias[0], literal.slice)) if isinstance(literal, ast.Subscript) else UNKNOWN
        if callee == "get_field":
            found = self.resolve(module, ast.unparse(call.args[0]))
            if found and isinstance(found[1], ast.ClassDef):
                return self.class_value(found[0], found[1], ast.literal_eval(call.args[1]))
        return UNKNOWN

    def fields(self, module: Module, cls: ast.ClassDef) -> dict[str, tuple[Module, ast.expr, ast.expr | None]]:
        """Annotated fields of a class and its bases: name -> (module, annotation, default expression)."""
        found: dict[str, tuple[Module, ast.expr, ast.expr | None]] = {}
        for base in cls.bases:
            parent = self.resolve(module, ast.unparse(base))
            if parent and isinstance(parent[1], ast.ClassDef):
                found.update(self.fields(parent[0], parent[1]))
        for node in cls.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found[node.target.id] = (module, node.annotation, node.value)
        return found


def _statements(body: list[ast.stmt]) -> list[ast.stmt]:
    found: list[ast.stmt] = []
    for node in body:
        found.append(node)
        for block in ("body", "orelse", "finalbody"):
            if isinstance(node, (ast.If, ast.Try, ast.With)):
                found.extend(_statements(getattr(node, block, [])))
        if isinstance(node, ast.Try):
            for handler in node.handlers:
                found.extend(_statements(handler.body))
    return found
