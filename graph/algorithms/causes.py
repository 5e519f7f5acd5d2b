"""The causes of a party's risk as people read them: what, when, by which record, how it is tied."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np

from graph import access
from graph.algorithms.network import node_markings
from graph.algorithms.paths import Hop, step_along
from graph.algorithms.policy import PropagationPolicy
from graph.algorithms.seeds import TIES, Causes
from graph.snapshot import Snapshot, from_day

#: Chinese for kinds of events and violations; the column is free text, others stay as they are.
TYPES = MappingProxyType(
    {
        "undervaluation": "低报价格",
        "overvaluation": "高报价格",
        "misclassification": "商品归类错误",
        "origin": "原产地申报不实",
        "concealment": "伪瞒报",
        "quantity": "数量不符",
        "misdeclaration": "申报不实",
        "smuggling": "走私",
        "tax_evasion": "偷逃税款",
        "tax_arrears": "欠缴税款",
        "penalty": "行政处罚",
        "administrative_penalty": "行政处罚",
        "dishonest_listing": "列为失信企业",
        "default": "违约",
    }
)


@dataclass(frozen=True)
class Cause:
    """One reason why a party counts: a credit event, a finding or a list entry of the reader's.

    `reason` is the policy's rule, `weight` what it gives on the snapshot's day, `day` that of the
    event (None: not told), `ended` that on which it had ended by the snapshot's day (None: it had
    not), `evidence` the id of the record; `ties` are the steps from the party.
    `named` is whether the party is the one meant: a finding that names no known enterprise counts
    for those with a role in the shipment.
    """

    id: str
    kind: str
    reason: str
    english: str
    chinese: str
    day: date | None
    weight: float
    evidence: str | None
    ties: tuple[Hop, ...]
    named: bool
    ended: date | None = None

    def as_dict(self) -> dict[str, Any]:
        """The keys of the machine-readable answer."""
        return {
            "id": self.id,
            "kind": self.kind,
            "reason": self.reason,
            "en": self.english,
            "zh": self.chinese,
            "day": self.day.isoformat() if self.day else None,
            "ended_on": self.ended.isoformat() if self.ended else None,
            "weight": self.weight,
            "evidence": self.evidence,
            "ties": [tie.as_dict() for tie in self.ties],
            "named": self.named,
        }


def describe(
    snapshot: Snapshot, policy: PropagationPolicy, causes: Causes, clearance: str
) -> tuple[Cause, ...]:
    """The causes with words and evidence. They are those of this clearance: see `causes_of`."""
    return tuple(
        _describe(snapshot, policy, causes, place, clearance) for place in range(len(causes.cause))
    )


def _describe(
    snapshot: Snapshot, policy: PropagationPolicy, causes: Causes, place: int, clearance: str
) -> Cause:
    rule, node = policy.seeds[int(causes.rule[place])], int(causes.cause[place])
    row = snapshot.nodes(rule.kind).slice(node - snapshot.range(rule.kind)[0], 1).to_pylist()[0]
    about = _about(row)
    shipment = _shipment(snapshot, int(causes.found[place]), clearance)
    english, chinese = rule.name, rule.chinese
    if about:
        english, chinese = f"{english}: {about[0]}", f"{chinese}：{about[1]}"
    if shipment:
        english += f", found in shipment {shipment}"
        chinese += f"，查获于报关单{shipment}"
    day = float(causes.day[place])
    return Cause(
        row["id"], rule.kind, rule.name, english, chinese,
        None if np.isnan(day) else from_day(int(day)),
        float(causes.weight[place]), row["record"], _ties(snapshot, causes, place, clearance),
        bool(causes.named[place]), _ended(row, snapshot.as_of),
    )  # fmt: skip


def _ended(row: Mapping[str, Any], by: date) -> date | None:
    """The day on which a credit event ended, if it had by then."""
    ended: date | None = row.get("ended_on")
    return ended if ended and ended <= by else None


def _about(row: Mapping[str, Any]) -> tuple[str, str] | None:
    """What an event, finding or list entry was about, in English and Chinese."""
    if "list" in row:
        told = [text for text in (row["list"], row["name"]) if text]
        return (", ".join(told), "，".join(told)) if told else None
    kind = row["type"]
    return (kind.replace("_", " "), TYPES.get(kind, kind)) if kind else None


def _shipment(snapshot: Snapshot, found: int, clearance: str) -> str | None:
    """The shipment of a FOUND_IN edge, if it exists for the reader."""
    if found < 0:
        return None
    node = int(snapshot.edges("FOUND_IN").target[found])
    seen = node_markings(snapshot)[node] <= access.level(clearance)
    return snapshot.id_of(node) if seen else None


def _ties(snapshot: Snapshot, causes: Causes, place: int, clearance: str) -> tuple[Hop, ...]:
    """The steps from the party to the cause: one, or its role in the shipment and the finding."""
    kind, edge = str(causes.tie[place]), int(causes.edge[place])
    forward = dict(TIES).get(kind, True)
    first = step_along(snapshot, kind, edge, forward=forward, clearance=clearance)
    if causes.named[place]:
        return (first,)
    found = int(causes.found[place])
    return (
        first,
        step_along(snapshot, "FOUND_IN", found, forward=False, clearance=clearance),
    )
