"""The simulated customs world: labelled tables with planted truth, for demos and tests."""

from ingest.world.build import WorldReport, generate
from ingest.world.policy import SCHEMES, WorldError, WorldPolicy

__all__ = ["SCHEMES", "WorldError", "WorldPolicy", "WorldReport", "generate"]
