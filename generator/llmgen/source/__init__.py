"""Read YAML strictly: one meaning for every reader, and a position for every key and value."""

from llmgen.source.document import Document, Reading
from llmgen.source.read import load, read, read_text

__all__ = ["Document", "Reading", "load", "read", "read_text"]
