"""Why a shipment or an enterprise has its score: typed reasons that sum to the margin.

The contributions of trees are exact Shapley values, those of the graph network integrated
gradients; they add up to the log-odds. Beside them, `links` says how much the log-odds would fall
without one kind of link: what the graph network saw through shared addresses, persons, owners.
"""

from dataclasses import dataclass

import numpy as np

from gnn.cases import Cases
from gnn.enterprises import PANEL
from gnn.errors import ModelError
from gnn.infer import LoadedModel, enterprise_panel, load_model, read_cases
from gnn.links import KINDS
from gnn.metrics import Floats
from graph.errors import NotFound
from graph.features.catalogue import feature
from graph.settings import Settings
from graph.snapshot import Snapshot

# Integrated gradients are exact up to this much in log-odds.
_TOLERANCE = 0.25


@dataclass(frozen=True)
class Reason:
    """One input: its name and meaning, its value (NaN unknown), what it adds to the log-odds."""

    name: str
    meaning: str
    value: float
    contribution: float


@dataclass(frozen=True)
class Explanation:
    """The reasons of one score, most telling first; `start` and contributions sum to `margin`.

    `links` maps a kind of link to what the log-odds lose without it (only with a graph network).

    Raises:
        ModelError: the parts do not sum to the margin, so the explanation would mislead.
    """

    subject: str
    probability: float
    low: float
    high: float
    margin: float
    start: float
    reasons: tuple[Reason, ...]
    links: dict[str, float]
    model: str
    snapshot: str

    def __post_init__(self) -> None:
        total = self.start + sum(reason.contribution for reason in self.reasons)
        if not np.isfinite(total) or abs(total - self.margin) > _TOLERANCE:
            raise ModelError(
                f"the reasons of {self.subject} sum to {total:.3f}, not to {self.margin:.3f}",
                hint="train again",
            )
        if not self.low <= self.probability <= self.high:
            raise ModelError(f"the interval of {self.subject} does not hold its probability")


def explain_shipment(
    settings: Settings, snapshot: Snapshot, shipment_id: str, model: str | None = None
) -> Explanation:
    """Why a shipment of the snapshot has its probability. Raises `NotFound`."""
    cases = read_cases(settings, snapshot)
    loaded = load_model(settings, snapshot, cases, model)
    return shipment_reasons(loaded, cases, snapshot, shipment_id)


def explain_enterprise(
    settings: Settings, snapshot: Snapshot, enterprise_id: str, model: str | None = None
) -> Explanation:
    """Why an enterprise of the snapshot has its probability.

    Raises:
        NotFound: the snapshot does not have the enterprise.
        ModelError: the model has no enterprise part.
    """
    cases = read_cases(settings, snapshot)
    loaded = load_model(settings, snapshot, cases, model)
    if loaded.enterprise is None:
        raise ModelError(f"model {loaded.version} has no enterprise part", hint="train again")
    place = int(snapshot.locate("Enterprise", [enterprise_id])[0])
    if place < 0:
        raise NotFound(f"snapshot {snapshot.id} has no enterprise {enterprise_id!r}")
    row = place - snapshot.range("Enterprise")[0]
    panel = enterprise_panel(loaded.enterprise, cases, snapshot)[row : row + 1]
    parts = loaded.enterprise.contributions(panel)[0]
    probability, low, high = (float(value[0]) for value in loaded.enterprise.probability(panel))
    return Explanation(
        subject=enterprise_id,
        probability=probability,
        low=low,
        high=high,
        margin=float(loaded.enterprise.margin(panel)[0]),
        start=float(parts[-1]),
        reasons=_ordered(tuple(PANEL), panel[0].astype(np.float64), parts[:-1]),
        links={},
        model=loaded.version,
        snapshot=snapshot.id,
    )


def shipment_reasons(
    loaded: LoadedModel, cases: Cases, snapshot: Snapshot, shipment_id: str
) -> Explanation:
    """Why one of the cases has its probability. Raises `NotFound`."""
    rows = np.flatnonzero(cases.shipment_id == shipment_id)
    if not len(rows):
        raise NotFound(f"snapshot {snapshot.id} has no shipment {shipment_id!r}")
    margin = loaded.margin(cases, rows)
    probability = loaded.calibrator.probability(margin)
    low, high = loaded.calibrator.interval(probability)
    names, parts = loaded.contributions(cases, rows)
    values = np.full(len(names) - 1, np.nan)
    values[: len(cases.names)] = cases.features[rows[0]]
    return Explanation(
        subject=shipment_id,
        probability=float(probability[0]),
        low=float(low[0]),
        high=float(high[0]),
        margin=float(margin[0]),
        start=float(parts[0, -1]),
        reasons=_ordered(names[:-1], values, parts[0, :-1]),
        links=_links(loaded, cases, rows),
        model=loaded.version,
        snapshot=snapshot.id,
    )


def _links(
    loaded: LoadedModel, cases: Cases, rows: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> dict[str, float]:
    """What the log-odds lose without each kind of link, largest first."""
    network = loaded.network
    if network is None:
        return {}
    whole = network.margin(cases, rows)[0]
    lost = {
        kind: loaded.blend * float(whole - network.without(cases, rows, kind)[0])
        for kind in network.evidence.kinds
    }
    return dict(sorted(lost.items(), key=lambda item: -item[1]))


def _ordered(names: tuple[str, ...], values: Floats, parts: Floats) -> tuple[Reason, ...]:
    """Inputs that contribute, largest contribution first."""
    return tuple(
        Reason(names[number], meaning(names[number]), float(values[number]), float(parts[number]))
        for number in np.lexsort((np.arange(len(parts)), -parts))
        if parts[number] != 0
    )


def meaning(name: str) -> str:
    """What an input means, in words: from the feature catalogue, the links or the panel."""
    if name.startswith("link:"):
        return KINDS.get(name.removeprefix("link:"), "the parties' own record of inspections")
    if name in PANEL:
        return PANEL[name]
    try:
        return feature("shipment", name).english
    except KeyError:
        return name
