"""Is the request one that an engine can answer? Checked, normalised and clamped before anything is spent on it."""

from llm_gateway.validation.body import parse
from llm_gateway.validation.fit import fit

__all__ = ["fit", "parse"]
