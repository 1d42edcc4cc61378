"""Whether answers are what was asked for: JSON where JSON was asked for, calls of the functions that there are, no refusals.

Only what a request demanded is looked at, after the client has it, and within bounds; what is beyond them counts as unchecked.
"""

from llm_gateway.quality.collect import Collector, Said
from llm_gateway.quality.counting import count, prepare
from llm_gateway.quality.judge import Judged, collector, judge

__all__ = ["Collector", "Judged", "Said", "collector", "count", "judge", "prepare"]
