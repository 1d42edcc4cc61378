"""A bounded queue before the engines: fair between tenants, by class and tier, left the moment a client leaves."""

from llm_gateway.admission.capacity import Capacity, capacity
from llm_gateway.admission.controller import Controller, PoolStats, RunningSlot

__all__ = ["Capacity", "Controller", "PoolStats", "RunningSlot", "capacity"]
