"""The shape of a document: JSON Schema (draft 2020-12) in, compiler errors out."""

from llmgen.contract.check import check
from llmgen.contract.compile import SchemaError
from llmgen.contract.schemas import load_schema

__all__ = ["SchemaError", "check", "load_schema"]
