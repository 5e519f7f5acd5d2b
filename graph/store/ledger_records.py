"""What the ledger hands in and out: plain records, table forms and the rules of judging."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa
from sqlalchemy.engine import RowMapping

from graph.errors import LedgerError

#: What a judgement can say of a pair.
JUDGEMENT_VALUES = ("positive", "negative", "unsure")

JUDGEMENT_SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("left_kind", pa.string()),
        ("left_id", pa.string()),
        ("right_kind", pa.string()),
        ("right_id", pa.string()),
        ("judgement", pa.string()),
        ("score", pa.float64()),
        ("derivation", pa.string()),
        ("marking", pa.string()),
        ("user", pa.string()),
        ("created_at", pa.timestamp("us", tz="UTC")),
        ("created_on", pa.date32()),
    ]
)
GRADE_SCHEMA = pa.schema(
    [
        ("enterprise_id", pa.string()),
        ("points", pa.float64()),
        ("band", pa.string()),
        ("probability", pa.float64()),
        ("reasons", pa.string()),
        ("valid_from", pa.date32()),
    ]
)
SELECTION_SCHEMA = pa.schema(
    [
        ("selection_id", pa.string()),
        ("shipment_id", pa.string()),
        ("probability", pa.float64()),
        ("seed", pa.int64()),
        ("wheel", pa.string()),
        ("policy", pa.string()),
        ("selected_at", pa.timestamp("us", tz="UTC")),
    ]
)
PAIR = ("left_kind", "left_id", "right_kind", "right_id")


@dataclass(frozen=True)
class RuleSet:
    """A policy as it was used. `reasons` holds the texts of its reasons: code to `zh` and `en`
    templates, whose field `{value}` the enterprise's own value fills."""

    policy_hash: str
    policy: str
    content: str
    reasons: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class GradingRun:
    """One grading of all enterprises, named by the content of what went into it."""

    run: str
    policy: str
    policy_hash: str
    snapshot: str
    model: str | None
    as_of: date
    known_at: date
    started_at: datetime
    finished_at: datetime
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Grade:
    """An enterprise's grade in one run. `valid_from` is the day since which the band has held.

    Each of `reasons` has `code`, `feature`, `value` (a number or None), `points_lost`, `zh`, `en`.
    """

    enterprise_id: str
    run: str
    policy: str
    snapshot: str
    model: str | None
    as_of: date
    known_at: date
    points: float
    band: str
    probability: float | None
    reasons: tuple[Mapping[str, Any], ...]
    valid_from: date


@dataclass(frozen=True)
class Override:
    """A band that a person set for an enterprise until a day, with the reason."""

    id: int
    enterprise_id: str
    band: str
    reason: str
    user: str
    created_at: datetime
    expires_on: date


@dataclass(frozen=True)
class AuditEntry:
    """Who did what, when."""

    id: int
    at: datetime
    user: str
    action: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Reconciled:
    """How a rule's judgements changed: new, no longer held, and as they were.

    `left` counts the pairs on which a person has spoken; the rule leaves them alone.
    """

    added: int
    retired: int
    unchanged: int
    left: int


def read_reasons(text: str, rules: RuleSet) -> tuple[Mapping[str, Any], ...]:
    """Expand a grade's compact reasons, `[[code, feature, value, points lost], …]`."""
    return expand_reasons(text, rules.reasons)


def expand_reasons(
    text: str, texts: Mapping[str, Mapping[str, str]]
) -> tuple[Mapping[str, Any], ...]:
    """Fill the texts of compact reasons with their values."""
    return tuple(
        {
            "code": code,
            "feature": feature,
            "value": value,
            "points_lost": lost,
            "zh": texts[code]["zh"].format(value=value),
            "en": texts[code]["en"].format(value=value),
        }
        for code, feature, value, lost in json.loads(text)
    )


@dataclass(frozen=True)
class Plan:
    """What to add (rows) and to retire (ids), and the report of it."""

    add: list[dict[str, Any]]
    retire: list[int]
    report: Reconciled


def reconcile(
    held: Sequence[RowMapping], proposals: list[dict[str, Any]], rules: Sequence[str]
) -> Plan:
    """Compare what is in force with what the rules propose. O(held + proposals)."""
    wanted = {tuple(row[name] for name in PAIR): row for row in proposals}
    content = ("judgement", "score", "derivation", "marking", "user")
    known = {tuple(row[name] for name in PAIR): row for row in held}
    ours = {pair: row for pair, row in known.items() if row["user"] in rules}
    same = {
        pair
        for pair, row in ours.items()
        if pair in wanted and all(row[name] == wanted[pair][name] for name in content)
    }
    foreign = known.keys() - ours.keys()
    add = [wanted[pair] for pair in sorted(wanted.keys() - same - foreign)]
    retire = sorted(row["id"] for pair, row in ours.items() if pair not in same)
    left = len(wanted.keys() & foreign)
    return Plan(add, retire, Reconciled(len(add), len(retire), len(same), left))


def pair(left: tuple[str, str], right: tuple[str, str]) -> dict[str, str]:
    """The pair's columns; a pair of the same kind is put in order, so that it is found again."""
    if left == right:
        raise LedgerError(f"{left[0]} {left[1]} cannot be judged against itself")
    if left[0] == right[0]:
        left, right = sorted((left, right))
    return dict(zip(PAIR, (*left, *right), strict=True))


def checked_judgement(value: str) -> str:
    """The value, if it is a judgement. Raises `LedgerError`."""
    if value not in JUDGEMENT_VALUES:
        raise LedgerError(
            f"{value!r} is no judgement", hint=f"use one of {', '.join(JUDGEMENT_VALUES)}"
        )
    return value
