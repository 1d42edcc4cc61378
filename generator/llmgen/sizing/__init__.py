"""GPU sizing: pure arithmetic from a model, a GPU and a workload to memory, latency, load time, shape and cost."""

from llmgen.sizing.device import Device
from llmgen.sizing.engine import EngineSettings, default_batch
from llmgen.sizing.latency import Latency, latency
from llmgen.sizing.load import LoadBudget, LoadPart, LoadSource, load_budget
from llmgen.sizing.memory import MemoryPlan, memory
from llmgen.sizing.search import Growth, SearchResult, search
from llmgen.sizing.shapes import Shape
from llmgen.sizing.storage import StorageKind, storage_kind, storage_kinds
from llmgen.sizing.units import GIB, Term
from llmgen.sizing.workload import PoolOffer, Workload

__all__ = [
    "GIB",
    "Device",
    "EngineSettings",
    "Growth",
    "Latency",
    "LoadBudget",
    "LoadPart",
    "LoadSource",
    "MemoryPlan",
    "PoolOffer",
    "SearchResult",
    "Shape",
    "StorageKind",
    "Term",
    "Workload",
    "default_batch",
    "latency",
    "load_budget",
    "memory",
    "search",
    "storage_kind",
    "storage_kinds",
]
