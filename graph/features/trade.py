"""Causal features of shipments and of enterprises, put together from their groups."""

from collections.abc import Callable
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from graph.features.frames import Told
from graph.features.history import (
    ROLES,
    Keys,
    Labels,
    adverse_events,
    base_rate,
    codes_of,
    history_features,
    keys,
    labels_as_events,
    party_features,
    smoothed,
    trade_history,
    trade_values,
)
from graph.features.neighbours import (
    Neighbours,
    neighbour_features,
    parties,
    party_neighbours,
)
from graph.features.row import row_features
from graph.features.windows import History, InForce, Integers, Mix, Numbers, in_force
from graph.snapshot import Snapshot, to_day

YEAR = 365

Singles = npt.NDArray[np.float32]


def trade_features(
    told: Told, progress: Callable[[str, float], None] = lambda what, share: None
) -> dict[str, Singles]:
    """Features of the groups `row`, `history` and `neighbour` for every subject.

    O((n + links) log n) and O(links + findings) for each quarter among the subjects' days.
    """
    progress("own fields", 0.0)
    features = _single(row_features(told))
    progress("history", 0.3)
    key = keys(told)
    labels = labels_as_events(told, key)
    features |= _single(history_features(told, key, labels))
    progress("neighbours", 0.6)
    return features | _single(
        neighbour_features(
            told, key, labels, lambda share: progress("neighbours", 0.6 + 0.4 * share)
        )
    )


def _single(features: dict[str, Numbers]) -> dict[str, Singles]:
    """In single precision, as they are kept: half the memory."""
    return {name: values.astype(np.float32) for name, values in features.items()}


def enterprise_features(told: Told, snapshot: Snapshot) -> dict[str, Numbers]:
    """History and neighbours of the snapshot's enterprises, as known at the end of its day."""
    key = keys(told)
    labels = labels_as_events(told, key)
    party = codes_of(pl.Series(snapshot.nodes("Enterprise")["id"]), key)
    day = np.full(party.size, to_day(snapshot.known_at) + 1, np.int64)
    features = _history(told, key, party, day)
    features |= party_features("", told, key, party, day)
    features |= _violations(key, labels, party, day)
    features |= _events(told, key, party, day, snapshot.as_of)
    around = Neighbours(told, key, labels)
    cut = int(day[0]) if day.size else 0
    base = float(base_rate(labels, np.array([cut]))[0])
    features |= party_neighbours(around, around.freeze(cut), party, day, base, "")
    known = features["any_link_weight"] > 0
    features["neighbour_violation_rate"] = np.where(known, features["any_link_rate"], np.nan)
    return features


def _history(told: Told, key: Keys, party: Integers, day: Integers) -> dict[str, Numbers]:
    features: dict[str, Numbers] = {}
    value = trade_values(told)
    for role in ROLES:
        features |= trade_history(role, key.of(role), told, value, party, day)
    mix = Mix(key.importer, key.declarant, told.shipments["start"].to_numpy(), YEAR)
    number, distinct, _, _ = mix.before(party, day)
    features["declarants_365d"] = np.where(number > 0, distinct, np.nan)
    return features


def _violations(key: Keys, labels: Labels, party: Integers, day: Integers) -> dict[str, Numbers]:
    """Findings that an enterprise had a part in, ever and in one year, and the violations among
    those of the year that were found against it: what was found against another is not its own."""
    roles = parties(key, labels)[: len(ROLES)]
    involved, against = _involved(roles, labels), _against(roles, labels)
    several, event = labels.times(len(involved)), np.concatenate(involved)
    history = History(event, several.day, several.found, several.violations)
    _, ever, ever_bad = history.before(party, day)
    inspected = several.standing(event).before(party, day, YEAR)[0]
    guilty = labels.times(len(against)).standing(np.concatenate(against), violations=True)
    violations = guilty.before(party, day, YEAR)[0]
    base = base_rate(labels, day)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(inspected > 0, violations / inspected, np.nan)
    return {
        "base_violation_rate": base,
        "violation_rate": smoothed(ever, ever_bad, base),
        "findings": np.log1p(ever),
        "days_since_violation": day - guilty.last(party, day),
        "inspections_365d": inspected.astype(float),
        "violations_365d": violations.astype(float),
        "violation_rate_365d": rate,
    }


def _involved(roles: list[Integers], labels: Labels) -> list[Integers]:
    """The enterprises that each event of a finding concerns, each once: by role, or as named."""
    own = np.any([role == labels.enterprise for role in roles], axis=0)
    return [*roles, np.where(own, -1, labels.enterprise)]


def _against(roles: list[Integers], labels: Labels) -> list[Integers]:
    """The enterprises that each finding is against: the one it names; importer and exporter, each
    once, where it names none."""
    importer, exporter, _ = roles
    named = labels.enterprise
    return [np.where(named < 0, importer, named), np.where(named < 0, exporter, -1)]


def _events(
    told: Told, key: Keys, party: Integers, day: Integers, as_of: date
) -> dict[str, Numbers]:
    """Adverse credit events of one year, and serious ones not ended."""
    adverse = adverse_events(told)
    code = codes_of(adverse["enterprise_id"], key)
    start, end = adverse["start"].to_numpy(), adverse["end"].to_numpy()
    ended = adverse["ended_on"].fill_null(date.max) <= as_of
    is_open = ((adverse["severity"] == "serious") & ~ended).to_numpy().astype(np.int64)
    days, serious = in_force(start, end, is_open)
    return {
        "credit_events_365d": InForce(code, start, end).before(party, day, YEAR)[0].astype(float),
        "serious_events_open": History(np.tile(code, 2), days, serious)
        .before(party, day)[1]
        .astype(float),
    }
