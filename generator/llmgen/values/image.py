"""The values of a container image."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmgen.problems import Path
    from llmgen.spec.model import Image
    from llmgen.values.tree import ValueTree


def put_image(tree: ValueTree, target: Path, origin: Path, image: Image) -> None:
    """Copy what the spec says about an image from ``origin`` to ``target``."""
    given = {
        "registry": image.registry,
        "repository": image.repository,
        "tag": image.tag,
        "digest": image.digest,
        "pullPolicy": image.pull_policy,
    }
    for key, value in given.items():
        if value:
            tree.copy((*target, key), value, (*origin, key))
