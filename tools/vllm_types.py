"""Turn a field's annotation in vLLM's config classes into the catalogue's flag type, as vLLM's argparse code does."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vllm_source import Module, Source

_SEQUENCES = {"list", "List", "tuple", "Tuple", "set", "Set", "Sequence"}
_MAPPINGS = {"dict", "Dict", "Mapping"}


@dataclass
class Atoms:
    """What an annotation allows: plain type names, literal values, and whether it is a config class."""

    plain: set[str] = field(default_factory=set)
    literals: list[Any] = field(default_factory=list)
    structured: bool = False


def flag_type(source: Source, module: Module, annotation: ast.expr) -> dict[str, Any]:  # noqa: PLR0911 -- a rule each
    """``type``, and ``choices`` or ``negatable`` where they apply (``_compute_kwargs`` in arg_utils.py)."""
    atoms = Atoms()
    _collect(source, module, annotation, atoms, 0)
    if atoms.structured:
        return {"type": "json"}
    if atoms.plain >= {"bool", "str"}:
        return {"type": "str"}  # bare flag or a value
    if "bool" in atoms.plain:
        return {"type": "bool", "negatable": True}
    if atoms.literals:
        if "str" in atoms.plain:
            return {"type": "str"}  # the literals are only suggestions
        return {
            "type": "choice",
            "choices": sorted(set(atoms.literals), key=lambda item: (isinstance(item, str), item)),
        }
    for kind, names in (("list", _SEQUENCES), ("int", {"int"}), ("float", {"float"}), ("json", _MAPPINGS)):
        if atoms.plain & names:
            return {"type": kind}
    return {"type": "str"}


def _collect(source: Source, module: Module, node: ast.expr, atoms: Atoms, depth: int) -> None:
    if depth > 8:  # noqa: PLR2004 -- no alias chain is longer
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        node = ast.parse(node.value, mode="eval").body
    if isinstance(node, ast.BinOp):
        _collect(source, module, node.left, atoms, depth + 1)
        _collect(source, module, node.right, atoms, depth + 1)
    elif isinstance(node, ast.Subscript):
        _collect_subscript(source, module, node, atoms, depth)
    elif isinstance(node, ast.Name):
        _collect_name(source, module, node.id, atoms, depth)


def _collect_subscript(source: Source, module: Module, node: ast.Subscript, atoms: Atoms, depth: int) -> None:
    origin = ast.unparse(node.value).rpartition(".")[2]
    arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if origin == "Literal":
        for item in arguments:
            value = source.value(module, item)
            if isinstance(value, (str, int)):
                atoms.literals.append(value)
            else:  # Literal[Alias] nests another Literal
                _collect(source, module, item, atoms, depth + 1)
    elif origin in {"Optional", "Union"}:
        for item in arguments:
            _collect(source, module, item, atoms, depth + 1)
    elif origin in {"Annotated", "SkipValidation"}:
        _collect(source, module, arguments[0], atoms, depth + 1)
    else:
        atoms.plain.add(origin)


def _collect_name(source: Source, module: Module, name: str, atoms: Atoms, depth: int) -> None:
    found = source.resolve(module, name)
    if found is None:
        atoms.plain.add(name)
    elif isinstance(found[1], ast.ClassDef):
        decorators = " ".join(ast.unparse(item) for item in found[1].decorator_list)
        bases = {ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in found[1].bases}
        if "IntEnum" in bases:
            atoms.plain.add("int")
        elif bases & {"dict", "TypedDict"}:
            atoms.plain.add("dict")
        elif "config" in decorators or "dataclass" in decorators:
            atoms.structured = True
        else:
            atoms.plain.add("str")
    elif isinstance(found[1], ast.expr):
        _collect(source, found[0], found[1], atoms, depth + 1)
