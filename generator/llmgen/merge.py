"""JSON merge patches (RFC 7396): ``null`` deletes, maps merge, everything else replaces. Helm's layers, where ``null`` stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llmgen.source.document import Document, Node

if TYPE_CHECKING:
    from llmgen.problems.model import Path


def merge_patch(base: Any, patch: Any, *, keep_nulls: bool = False) -> Any:  # noqa: ANN401 -- JSON of any shape
    """Return ``base`` changed by ``patch`` as RFC 7396 section 2 says; neither is changed.

    The result may share parts with both. Nulls inside lists of a patch are kept, as the RFC wants. ``keep_nulls`` keeps all of
    them, as `helm -f` does: only the chart's own defaults are deleted by a null, and the chart's schema sees any other.
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None and not keep_nulls:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value, keep_nulls=keep_nulls)
    return result


def merge_documents(
    base: Document, patch_path: Path, *, patch: Document | None = None, keep_nulls: bool = False
) -> Document:
    """Return ``base`` changed by the merge patch at ``patch_path`` in ``patch``, by default in ``base`` itself.

    Each value that comes from the patch points at the patch's line, and a required key that the patch deletes at the
    line with the null. Raises KeyError where ``patch_path`` is nothing.
    """
    source = base if patch is None else patch
    changes = source.get(patch_path)
    root = base.root
    change_node = _node_at(source.root, patch_path)
    if change_node is not None:  # a base that was computed has no places; what the patch wrote has
        root = _merged(root, base.data, change_node, changes, keep_nulls=keep_nulls)
    return Document(
        data=merge_patch(base.data, changes, keep_nulls=keep_nulls),
        file=base.file,
        root=root,
        suspects=base.suspects | _moved(source.suspects, patch_path),
    )


def _merged(node: Node | None, data: Any, patch: Node, changes: Any, *, keep_nulls: bool) -> Node:  # noqa: ANN401 -- JSON
    if not isinstance(changes, dict):
        return patch
    result = _start(node, data, patch)
    known = data if isinstance(data, dict) else {}
    for key, value in changes.items():
        child = patch.children.get(key)
        if child is None:
            continue
        if value is None and not keep_nulls:
            result.children.pop(key, None)
            result.deleted[key] = child.key_span()
        else:
            result.children[key] = _merged(
                result.children.get(key), known.get(key), child, value, keep_nulls=keep_nulls
            )
            result.deleted.pop(key, None)
    return result


def _start(node: Node | None, data: Any, patch: Node) -> Node:  # noqa: ANN401 -- JSON of any shape
    """Return the node of a merged map before its keys: the base's place if the base has a map there."""
    if node is not None and isinstance(data, dict):
        result = Node(node.source, node.value, block=node.block)
        result.key, result.key_source = node.key, node.key_source
        result.children = dict(node.children)
        result.deleted = dict(node.deleted)
        return result
    result = Node(patch.source, patch.value, block=patch.block)
    result.key, result.key_source = patch.key, patch.key_source
    return result


def _node_at(node: Node | None, path: Path) -> Node | None:
    for step in path:
        node = None if node is None else node.children.get(step)
    return node


def _moved(suspects: frozenset[Path], prefix: Path) -> frozenset[Path]:
    return frozenset(path[len(prefix) :] for path in suspects if path[: len(prefix)] == prefix)
