"""Every choice of a training run in one frozen place; its hash is part of a model's version."""

import hashlib
import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class SplitConfig:
    """How time is cut: shares of all shipments, oldest first, in train, validation and test.

    `folds` windows as long as the validation period are predicted from what was known before each;
    what contenders said there in advance, pooled, is what validation chooses and calibrates by.
    Selection weights count in full where models are judged and calibrated; models learn from their
    `learning_power`-th power, since a few very large weights cost more than the bias they remove.
    How long a model learns is what serves the last `stopping_share` of its own rows best, when it
    has learnt from the rest; it then learns as long from all of them.
    """

    validation_share: float = 0.15
    test_share: float = 0.20
    stopping_share: float = 0.25
    folds: int = 3
    weight_percentile: float = 99.0
    learning_power: float = 0.5
    minimum_positives: int = 10


@dataclass(frozen=True)
class TreeConfig:
    """LightGBM's settings. `bags` boosters differ in their seed and are averaged.

    The boosting stops only after `least_rounds`: with a few dozen violations the loss is too noisy
    to stop earlier.
    """

    learning_rate: float = 0.04
    leaves: int = 7
    minimum_rows: int = 40
    feature_share: float = 0.5
    row_share: float = 0.8
    ridge: float = 10.0
    least_rounds: int = 150
    most_rounds: int = 400
    patience: int = 100
    bags: int = 3

    @property
    def usual_rounds(self) -> int:
        """Rounds where too few outcomes are known to see when the boosting should stop."""
        return min(self.least_rounds, self.most_rounds)


@dataclass(frozen=True)
class GraphConfig:
    """The graph network's settings.

    `window_days` is the length of a cut: a shipment sees only findings recorded before the first
    day of its window. `half_lives` (days) are the speeds at which old findings fade. Training
    lasts `least_epochs` where too few outcomes are known to see when it should stop.
    """

    window_days: int = 30
    half_lives: tuple[float, ...] = (90.0, 720.0)
    prior_strength: float = 2.0
    hidden: int = 48
    dropout: float = 0.3
    epochs: int = 60
    least_epochs: int = 20
    patience: int = 20
    batch: int = 1024
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    bags: int = 3


@dataclass(frozen=True)
class ModelConfig:
    """All choices of one training run."""

    seed: int = 7
    share: float = 0.04
    replicates: int = 500
    reasons: int = 3
    split: SplitConfig = field(default_factory=SplitConfig)
    trees: TreeConfig = field(default_factory=TreeConfig)
    graph: GraphConfig = field(default_factory=GraphConfig)

    def digest(self) -> str:
        """A hash of all choices: 16 hexadecimal characters."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
