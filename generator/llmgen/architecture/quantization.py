"""Which matrices of a checkpoint are quantized, and how: ``quantization_config`` in its many dialects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from llmgen.architecture.fields import Fields
from llmgen.architecture.patterns import Patterns
from llmgen.architecture.schemes import (
    COMPRESSED_FORMATS,
    FP8_BLOCK,
    FP8_CHANNEL,
    FP8_TENSOR,
    INT4_GROUP,
    INT8_CHANNEL,
    INT8_LLM,
    MODELOPT_ALGORITHMS,
    MXFP4,
    NF4,
    NVFP4,
    Scheme,
    compressed_weights,
    grouped_int,
)

# The engine calls a dialect by several names: kernels renamed it, or a tool did.
_FAMILIES = {
    "awq_marlin": "awq",
    "gptq_marlin": "gptq",
    "gptq_marlin_24": "gptq",
    "auto-round": "auto_round",
    "autoround": "auto_round",
    "inc": "auto_round",
    "intel/auto-round": "auto_round",
    "compressed_tensors": "compressed-tensors",
    "modelopt_fp4": "modelopt",
    "modelopt_mixed": "modelopt",
    "modelopt_mxfp8": "modelopt",
    "gpt_oss_mxfp4": "mxfp4",
}

# What a method means when the checkpoint's own config is not at hand; order matters (nvfp4 before fp4, fp8 last).
_BY_NAME: tuple[tuple[str, Scheme], ...] = (
    ("mxfp4", MXFP4),
    ("nvfp4", NVFP4),
    ("modelopt_fp4", NVFP4),
    ("fp4", NVFP4),
    ("bitsandbytes", NF4),
    ("w8a8", INT8_CHANNEL),
    ("int8", INT8_CHANNEL),
    ("awq", INT4_GROUP),
    ("gptq", INT4_GROUP),
    ("auto_round", INT4_GROUP),
    ("w4a16", INT4_GROUP),
    ("int4", INT4_GROUP),
    ("fbgemm_fp8", FP8_CHANNEL),
    ("ptpc_fp8", FP8_CHANNEL),
    ("modelopt", FP8_TENSOR),
    ("fp8", FP8_TENSOR),
)
_PRECISIONS = frozenset({"fp8", "fp4", "nvfp4", "mxfp4", "int4", "int8", "w8a8", "w4a16", "8bit", "4bit", "moe_wna16"})
# Meta's fbgemm recipe leaves attention in 16 bits, and the first and last layer whole.
_FBGEMM_KEEPS = ("self_attn",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantization:
    """The checkpoint's weight formats.

    ``kv_dtype`` is what the checkpoint's own KV scales ask of the cache: ``fp8`` or ``auto``. ``experts_only`` as in MXFP4;
    ``incomplete`` when the config does not list what stays unquantized; ``problem`` says what could not be read.
    """

    method: str = ""
    default: Scheme | None = None
    keep: Patterns = field(default_factory=Patterns)
    special: tuple[tuple[Patterns, Scheme | None], ...] = ()
    experts_only: bool = False
    whole_ends: bool = False
    lm_head: bool = False
    incomplete: bool = False
    kv_dtype: str = "auto"
    problem: str = ""

    @property
    def by_layer(self) -> bool:
        """Whether layers of one shape may be stored differently."""
        return self.whole_ends or self.keep.by_layer or any(patterns.by_layer for patterns, _ in self.special)

    def scheme(self, name: str, *, last_layer: int) -> Scheme | None:
        """The format of module ``name``; None for 16 (or 32) bits."""
        if self.default is None and not self.special:
            return None
        if self.experts_only and ".experts." not in name:
            return None
        if self.whole_ends and name.startswith(("layers.0.", f"layers.{last_layer}.")):
            return None
        if self.keep.match(name):
            return None
        for patterns, scheme in self.special:
            if patterns.match(name):
                return scheme
        return self.default


def read_quantization(fields: Fields, flag: str | None = None) -> Quantization:
    """Read the config's own ``quantization_config``; the engine ``flag`` decides only where the config is silent."""
    config = fields.mapping("quantization_config", "compression_config")
    asked = _family(flag) if flag and flag.lower() not in {"none", "auto"} else ""
    shorthand = fields.text_value("wq")
    if shorthand:
        return _from_shorthand(shorthand)
    if not config:
        return _from_flag(asked, flag or "") if asked else Quantization()
    inner = config.get("quantization")
    merged = Fields(text={**config, **inner} if isinstance(inner, Mapping) else config, outer={})
    read = replace(_read(merged), kv_dtype=_cache_dtype(merged))
    if asked and read.method and not _agree(asked, read.method):
        assumed = _from_flag(asked, flag or "")
        problem = f"quantization '{flag}' contradicts the checkpoint's own '{read.method}'"
        return Quantization(**{**_as_dict(assumed), "problem": problem})
    return read


def _cache_dtype(config: Fields) -> str:
    """``fp8`` where the checkpoint has KV scales: compressed-tensors and ModelOpt say so under different keys."""
    scheme = Fields(text=config.mapping("kv_cache_scheme"), outer={})
    scaled = scheme.integer("num_bits") == 8 and scheme.text_value("type") == "float"
    return "fp8" if scaled or config.text_value("kv_cache_quant_algo").upper() == "FP8" else "auto"


def _as_dict(value: Quantization) -> dict[str, Any]:
    return {name: getattr(value, name) for name in Quantization.__dataclass_fields__}


def _agree(asked: str, method: str) -> bool:
    # Words for a precision name no method: they never contradict a checkpoint that says more.
    return asked in _PRECISIONS or asked in method or method in asked


def _family(name: str | None) -> str:
    lowered = (name or "").strip().lower()
    return _FAMILIES.get(lowered, lowered)


def _from_shorthand(text: str) -> Quantization:
    known = {"8bit": FP8_CHANNEL, "awq4-g128": INT4_GROUP, "int4-g128": INT4_GROUP}
    scheme = known.get(text)
    return Quantization(method=text, default=scheme, problem="" if scheme else f"weight format '{text}' is unknown")


def _from_flag(asked: str, flag: str) -> Quantization:
    for name, scheme in _BY_NAME:
        if name in asked:
            keeps = Patterns.of(_FBGEMM_KEEPS) if name == "fbgemm_fp8" else Patterns()
            return Quantization(
                method=asked,
                default=scheme,
                keep=keeps,
                whole_ends=name == "fbgemm_fp8",
                experts_only=scheme is MXFP4,
            )
    if asked == "compressed-tensors":
        problem = "compressed-tensors says the format in the checkpoint's quantization_config, which is missing here"
        return Quantization(method=asked, default=FP8_CHANNEL, incomplete=True, problem=problem)
    return Quantization(method=asked, problem=f"quantization '{flag}' is unknown: weights counted in 16 bits")


def _read(config: Fields) -> Quantization:
    method = _family(config.text_value("quant_method"))
    if not method and config.text_value("quant_algo"):
        method = "modelopt"
    keep = Patterns.of(config.strings("modules_to_not_convert", "ignored_layers", "exclude_modules", "ignore"))
    if method == "compressed-tensors":
        return _read_compressed(config, keep)
    if method == "modelopt":
        return _read_modelopt(config, keep)
    if method in {"awq", "gptq", "auto_round"}:
        return _read_grouped(config, method, keep)
    simple = {
        "mxfp4": MXFP4,
        "fp8": FP8_BLOCK if config.raw("weight_block_size") else FP8_TENSOR,
        "fbgemm_fp8": FP8_CHANNEL,
        "bitsandbytes": NF4 if config.flag("load_in_4bit") else INT8_LLM,
    }
    if method in simple:
        return Quantization(method=method, default=simple[method], keep=keep, experts_only=method == "mxfp4")
    return Quantization(method=method, problem=f"quantization '{method}' is unknown: weights counted in 16 bits")


def _read_compressed(config: Fields, keep: Patterns) -> Quantization:
    default: Scheme | None = None
    special: list[tuple[Patterns, Scheme | None]] = []
    problem = ""
    for group in config.mapping("config_groups").values():
        if not isinstance(group, Mapping):
            continue
        entry = Fields(text=group, outer={})
        scheme = compressed_weights(Fields(text=entry.mapping("weights"), outer={}))
        targets = entry.strings("targets")
        if scheme is None:
            problem = "a compressed-tensors group has a weight format this version does not know"
        elif "Linear" in targets:
            default = scheme
        else:
            special.append((Patterns.of(targets), scheme))
    incomplete = config.raw("ignore") is None
    if incomplete:
        problem = "quantization_config has no 'ignore' list: attention may be unquantized"
    if default is None and not special:
        default = COMPRESSED_FORMATS.get(config.text_value("format"))
        if default is None:
            problem = "compressed-tensors format is missing or unknown: weights counted in 16 bits"
    return Quantization(
        method="compressed-tensors",
        default=default,
        keep=keep,
        special=tuple(special),
        incomplete=incomplete,
        problem=problem,
    )


def _read_modelopt(config: Fields, keep: Patterns) -> Quantization:
    algorithm = config.text_value("quant_algo").upper()
    layers = config.mapping("quantized_layers")
    if algorithm == "MIXED_PRECISION" and layers:
        names: dict[str, list[str]] = {}
        for name, entry in layers.items():
            own = str(entry.get("quant_algo", "")) if isinstance(entry, Mapping) else ""
            names.setdefault(own.upper(), []).append(name)
        special = tuple((Patterns.of(group), MODELOPT_ALGORITHMS.get(own)) for own, group in names.items())
        unknown = sorted(own for own in names if own not in MODELOPT_ALGORITHMS)
        problem = f"ModelOpt algorithm {', '.join(unknown)} is unknown" if unknown else ""
        return Quantization(method="modelopt", keep=keep, special=special, problem=problem)
    scheme = MODELOPT_ALGORITHMS.get(algorithm)
    if algorithm == "MIXED_PRECISION":
        # What ModelOpt's recipes have in common: experts in NVFP4, the rest in FP8.
        special = ((Patterns.of(("re:.*\\.experts\\.",)), NVFP4),)
        problem = "mixed precision without its quantized_layers list"
        return Quantization(
            method="modelopt", default=FP8_TENSOR, special=special, keep=keep, incomplete=True, problem=problem
        )
    problem = "" if scheme else f"ModelOpt algorithm '{algorithm}' is unknown: weights counted in 16 bits"
    return Quantization(method="modelopt", default=scheme, keep=keep, problem=problem)


def _read_grouped(config: Fields, method: str, keep: Patterns) -> Quantization:
    bits = config.integer("bits", "w_bit", default=4)
    group = config.integer("group_size", "q_group_size", default=128)
    special: list[tuple[Patterns, Scheme | None]] = []
    for name, entry in config.mapping("extra_config", "dynamic").items():
        own = Fields(text=entry if isinstance(entry, Mapping) else {}, outer={})
        if name.startswith("-:"):
            special.append((Patterns.of(("re:" + name[2:],)), None))
            continue
        own_bits = own.integer("bits", default=bits)
        scheme = None if own_bits >= 16 else grouped_int(own_bits, own.integer("group_size", default=group))
        pattern = "re:" + name.removeprefix("+:") if set(name) & set("*+\\[(") else name
        special.append((Patterns.of((pattern,)), scheme))
    return Quantization(
        method=method,
        default=grouped_int(bits, group),
        keep=keep,
        special=tuple(special),
        lm_head=config.flag("lm_head"),
    )
