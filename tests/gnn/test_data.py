"""Evidence is computed once for a cut and is the same when it is not kept."""

from typing import Any

import pytest
import torch

from gnn import data
from gnn.config import GraphConfig


def test_kept_evidence_is_what_would_be_computed_again(
    plant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = plant(1200, inspected=0.4)
    parts = data.to_hetero(world.links), data.Findings.of(world.cases), GraphConfig()
    keeping = data.Evidence(*parts)
    first = keeping.at(300)
    assert keeping.at(300) is first
    assert not torch.equal(keeping.at(600), first)
    monkeypatch.setattr(data, "KEPT_BYTES", 0)
    forgetting = data.Evidence(*parts)
    assert torch.equal(forgetting.at(300), first)
    assert forgetting.at(300) is not forgetting.at(300)
