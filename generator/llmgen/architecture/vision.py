"""Weights of a vision tower and its projector."""

from __future__ import annotations

from llmgen.architecture.fields import Fields


def vision_parameters(fields: Fields, hidden: int) -> int:
    """Weights of the vision tower: ``vision_params`` when the facts say it, else from the shape in ``vision_config``.

    A ViT layer holds 4 d^2 of attention and 2 or 3 d x width of MLP; the patch embedding 3 p^2 d; the projector is counted
    as one d x hidden and one hidden^2 matrix (LLaVA's two-layer MLP, the most common).
    """
    known = fields.integer("vision_params")
    if known:
        return known
    config = fields.mapping("vision_config")
    if not config:
        return 0
    vision = Fields(text=config, outer={})
    width = vision.integer("hidden_size", "embed_dim", "width")
    layers = vision.integer("num_hidden_layers", "depth", "layers")
    if not width or not layers:
        return 0
    inner = vision.integer("intermediate_size", "mlp_hidden_dim") or int(width * float(vision.raw("mlp_ratio") or 4))
    matrices = 3 if vision.text_value("hidden_act") in {"silu", "swiglu"} else 2
    patch = vision.integer("patch_size", "spatial_patch_size", default=14)
    merge = vision.integer("spatial_merge_size", default=1) or 1
    merged = width * merge * merge
    projector = merged * merged + merged * hidden if merge > 1 else width * hidden + hidden * hidden
    positions = (vision.integer("image_size") // patch) ** 2 if vision.integer("image_size") else 0
    return (
        layers * (4 * width * width + matrices * width * inner)
        + 3 * patch * patch * width
        + positions * width
        + projector
    )
