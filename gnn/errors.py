"""Errors of the learning layer.

ModelError          anything expected to go wrong while training or scoring
├── TooFewLabels    not enough outcomes of both kinds to learn from
├── ModelMissing    no trained model has this version
└── TorchMissing    a part needs torch, which is not installed
"""

from graph.errors import HawserError


class ModelError(HawserError):
    """Training or scoring cannot go on as asked."""


class TooFewLabels(ModelError):
    """There are not enough outcomes of both kinds to learn from."""


class ModelMissing(ModelError):
    """No trained model has this version."""


class TorchMissing(ModelError):
    """A part needs torch, which is not installed."""
