"""What one reader may know of an enterprise: a method for each part of a portrait.

A part is read from the graph server by named queries, from the ledger, the scores or the
snapshot; every row carries its `evidence` (record and source). What the reader's clearance hides
is counted in the part's `redacted`; `partial` says that a bound was reached; `next` is the
cursor of the next page, null on the last.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from graph import access
from graph.algorithms.network import node_markings
from graph.algorithms.ownership import owners
from graph.algorithms.propagation import risk_paths
from graph.errors import NotFound, SnapshotError
from graph.ontology import NODE_KINDS
from graph.snapshot import Snapshot
from graph.store.ledger import Grade, Ledger
from queries import pages
from queries.catalog import Answer, Reads, Row, ask
from queries.pages import Page

#: Most edges that a query reads around one enterprise before its answer is partial.
BOUND = 20_000
INFLUENCE_IS_NOT_GUILT = (
    "Influence is not guilt: it can raise attention, it never lowers a class."
    " 影响不等于过错：可以提高关注程度，绝不据此降低信用等级。"
)

_SCORE = ("probability", "low", "high", "top_reasons", "model")
#: What a grade concludes; the rest of it says which run made it.
_GRADE = ("band", "points", "probability", "reasons", "model", "valid_from")


class Scores(Protocol):
    """What a portrait needs of the scores of a snapshot: see `graph.scores`."""

    @property
    def snapshot(self) -> str:
        """The id of the snapshot that was scored."""

    @property
    def enterprises(self) -> pa.Table:
        """`enterprise_id`, `probability`, `low`, `high`, `top_reasons`."""

    @property
    def model(self) -> str:
        """The model's version."""


@dataclass(frozen=True)
class Sources:
    """What portraits are read from. Without snapshot, scores or ledger their sections are empty.

    Raises:
        SnapshotError: the scores are of another snapshot, whose marking nobody would ask for.
    """

    store: Reads
    ledger: Ledger | None = None
    scores: Scores | None = None
    snapshot: Snapshot | None = None
    #: The highest marking in another snapshot, by its id.
    marking_of: Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        read = self.snapshot.id if self.snapshot else None
        if self.scores is not None and self.scores.snapshot != read:
            raise SnapshotError(
                f"the scores are of snapshot {self.scores.snapshot}, not of {read}",
                hint="open the scores of the snapshot that is read",
            )

    def highest_marking(self, snapshot: str) -> str:
        """The highest marking of what a snapshot rests on; of an unknown one the highest of all."""
        if self.snapshot is not None and self.snapshot.id == snapshot:
            return self.snapshot.highest_marking
        return self.marking_of(snapshot) if self.marking_of else access.HIGHEST


@dataclass(frozen=True)
class Reader:
    """Somebody who reads portraits: from which sources, with which clearance, as of which day."""

    sources: Sources
    clearance: str = access.HIGHEST
    as_of: date = field(default_factory=date.today)
    bound: int = BOUND
    timeout: float | None = None

    def ask(self, name: str, **parameters: Any) -> Answer:
        """A named query under this reader's clearance and time limit."""
        return ask(
            self.sources.store,
            name,
            parameters,
            clearance=self.clearance,
            timeout=self.timeout,
        )

    def sees(self, snapshot: str) -> bool:
        """Whether the reader may see what Hawser concluded from the whole of a snapshot.

        Scores and grades rest on every statement in it: see `access.concluded`.
        """
        marking = access.concluded(self.sources.highest_marking(snapshot))
        return access.visible(marking, self.clearance)

    def enterprise(self, id: str) -> Row:
        """The enterprise's node.

        Raises:
            NotFound: there is none, or none that exists for the reader.
        """
        rows = self.ask("enterprise", id=id).rows
        if not rows:
            raise NotFound(f"no enterprise {id!r}")
        return dict(rows[0]["enterprise"])

    def registration(self, id: str) -> Row:
        """What the enterprise registered, with evidence; hidden properties are null and counted.

        `as_of` is the reader's day. The graph keeps the last statement only: where that does not
        hold on the day, or cannot be seen, `as_of` is null and so is what was registered.
        """
        answer = self.ask("enterprise", id=id)
        node = answer.rows[0]["enterprise"] if answer.rows else {}
        begun, ended = node.get("valid_from"), node.get("valid_to")
        holds = (not begun or begun <= self._until) and (not ended or ended > self._until)
        given = holds and access.visible(node.get("marking"), self.clearance)
        if not holds:
            keep = (*_PROVENANCE, "id", "kind")
            node = {name: value if name in keep else None for name, value in node.items()}
        return {
            **_plain(node),
            "as_of": self._until if given else None,
            "redacted": answer.redacted.as_dict(),
        }

    def clearance_record(self, id: str, *, limit: int = 100, after: str | None = None) -> Page:
        """Shipments by month and role: period, role, shipments, first_on, last_on."""
        answer = self.ask("enterprise_clearance", id=id, until=self._until, bound=self.bound)
        counts = access.Redactions(nodes=sum(row["hidden"] for row in answer.rows))
        read = sum(row["shipments"] + row["hidden"] for row in answer.rows)
        shown = [_without(row, "hidden") for row in answer.rows if row["shipments"]]
        return pages.cut(shown, limit, after, counts, read >= self.bound)

    def shipments(self, id: str, *, limit: int = 20, after: str | None = None) -> Page:
        """The shipments themselves, latest first."""
        page = self._page("enterprise_shipments", limit, after, id=id, until=self._until)
        return page.map(
            lambda row: {
                **_plain(row["shipment"]),
                "role": row["role"],
                "link": _evidence(row["link"]),
            }
        )

    def commodities(self, id: str, *, limit: int = 20, after: str | None = None) -> Page:
        """Main commodities, largest value first."""
        return self._ranked("enterprise_commodities", id, limit, after)

    def prices(self, id: str, *, limit: int = 20, after: str | None = None) -> Page:
        """Unit prices by subheading, beside those of other parties (`peers`) in the same direction
        and currency.

        An item is its own, and no peer's, where the reader sees that it imported or exported it.
        """
        page = self._ranked("enterprise_prices", id, limit, after)
        codes = sorted({row["hs_code"] for row in page.rows})
        peers: dict[tuple[str, str | None, str | None], Row] = {}
        if codes:
            answer = self.ask(
                "commodity_prices",
                codes=codes,
                without=id,
                bound=self.bound // 10,
                until=self._until,
            )
            peers = {
                (row["hs_code"], row["direction"], row["currency"]): row for row in answer.rows
            }
        rows = [
            {**row, "peers": _peer(peers.get((row["hs_code"], row["direction"], row["currency"])))}
            for row in page.rows
        ]
        return Page(rows, page.next, page.redacted, page.partial)

    def events(self, id: str, *, limit: int = 20, after: str | None = None) -> Page:
        """Credit events, latest first."""
        page = self._page("enterprise_events", limit, after, id=id, until=self._until)
        return page.map(lambda row: {**_plain(row["event"]), "link": _evidence(row["link"])})

    def findings(self, id: str, *, limit: int = 20, after: str | None = None) -> Page:
        """Inspection results in the enterprise's shipments, latest first, with its role there."""
        page = self._page("shipment_findings", limit, after, id=id, until=self._until)
        return page.map(
            lambda row: {
                **_plain(row["finding"]),
                "shipment": row["shipment"]["id"],
                "role": row["role"],
                "against": row["against"],
                "link": _evidence(row["link"]),
            }
        )

    def findings_against(self, id: str, *, limit: int = 20, after: str | None = None) -> Page:
        """Inspection results against the enterprise itself, latest first."""
        page = self._page("enterprise_findings", limit, after, id=id, until=self._until)
        own = {"against": id}
        return page.map(
            lambda row: {**_plain(row["finding"]), **own, "link": _evidence(row["link"])}
        )

    def list_entries(self, id: str, *, limit: int = 100, after: str | None = None) -> Page:
        """The sanction and watch list entries that name the enterprise, or may name it."""
        page = self._page("enterprise_list_entries", limit, after, id=id, until=self._until)
        return page.map(
            lambda row: {"tie": row["tie"], **_plain(row["entry"]), "link": _evidence(row["link"])}
        )

    def parties(self, id: str, *, limit: int = 20, after: str | None = None) -> Page:
        """Persons, owners, holdings, branches, trade partners and possible duplicates."""
        page = self._bounded("enterprise_related", limit, after, id=id, until=self._until)
        return page.map(self._tie)

    def shared(self, id: str, *, limit: int = 20, after: str | None = None) -> Page:
        """Enterprises at the same address, telephone number or e-mail address."""
        page = self._bounded("enterprise_shared", limit, after, id=id, until=self._until)
        return page.map(lambda row: {**self._tie(row), "via": _plain(row["via"])})

    def neighbourhood(
        self, kind: str, id: str, *, limit: int = 100, after: str | None = None
    ) -> Page:
        """Everything one step away: rows with tie, outward, other, properties, evidence."""
        page = self._bounded("neighbourhood", limit, after, kind=kind, id=id)
        return page.map(
            lambda row: {
                "tie": row["tie"],
                "outward": row["outward"],
                "other": _plain(row["other"]),
                "properties": _without(row["link"], *_PROVENANCE),
                "evidence": _evidence(row["link"]),
            }
        )

    def node(self, kind: str, id: str) -> Row:
        """One node of any kind.

        Raises:
            NotFound: there is none, or none that exists for the reader.
        """
        rows = self.ask("node", kind=kind, id=id).rows
        if not rows:
            raise NotFound(f"no {kind} {id!r}")
        return _plain(rows[0]["node"])

    def shipment(self, id: str, *, limit: int = 100) -> Row | None:
        """A shipment with its goods and parties, None if there is none for the reader.

        Keys: shipment, items, parties (at most `limit` of each), item_count, party_count (how many
        there are for the reader), partial (some are not shown), redacted.
        """
        found = self.ask("shipment", id=id)
        if not found.rows:
            return None
        items = self.ask("shipment_items", id=id, limit=limit)
        parties = self.ask("shipment_parties", id=id, limit=limit)
        redacted = found.redacted
        redacted.add(items.redacted)
        redacted.add(parties.redacted)
        return {
            "shipment": _plain(found.rows[0]["shipment"]),
            "items": [row["item"] for row in items.rows],
            "parties": [
                {"role": row["role"], "party": _plain(row["party"])} for row in parties.rows
            ],
            "item_count": items.degree,
            "party_count": parties.degree,
            "partial": max(items.degree, parties.degree) > limit,
            "redacted": redacted.as_dict(),
        }

    def counts(self) -> dict[str, int]:
        """How many nodes of each kind exist for the reader: in the snapshot, or without one in the
        graph. O(n)."""
        snapshot = self.sources.snapshot
        if snapshot is None:
            return {kind: self.ask("counts", kind=kind).rows[0]["nodes"] for kind in NODE_KINDS}
        seen = access.visible_mask(node_markings(snapshot), self.clearance)
        ranges = {kind: slice(*snapshot.range(kind)) for kind in NODE_KINDS}
        return {kind: int(seen[nodes].sum()) for kind, nodes in ranges.items()}

    def risk(self, id: str, *, limit: int = 3) -> Row:
        """The calibrated probability of a violation and the influence along links, kept apart."""
        score, influence = self.probability(id), self.influence(id, limit=limit)
        redacted = access.Redactions(**score["redacted"])
        redacted.add(access.Redactions(**influence.get("redacted", {})))
        return {
            **score,
            **influence,
            "as_of": score["as_of"] or influence.get("as_of"),
            "redacted": redacted.as_dict(),
            "note": INFLUENCE_IS_NOT_GUILT,
        }

    def probability(self, id: str) -> Row:
        """Keys: probability, low, high, top_reasons, model, as_of, redacted.

        Null where nobody has scored by the reader's day; null and counted where it is hidden.
        """
        return self.probabilities([id]).get(id) or {**dict.fromkeys(_SCORE), **_nothing_hidden()}

    def probabilities(self, ids: Sequence[str]) -> dict[str, Row]:
        """The scores of those of the enterprises that have one. O(n), one pass for all ids."""
        scores, snapshot = self.sources.scores, self._snapshot_of_day
        if scores is None or snapshot is None:
            return {}
        table = scores.enterprises
        wanted = pa.array(sorted(set(ids)), pa.string())
        rows = table.filter(pc.is_in(table["enterprise_id"], value_set=wanted)).to_pylist()
        told = {"model": scores.model, "as_of": snapshot.as_of.isoformat()}
        seen = self.sees(snapshot.id)
        return {
            row["enterprise_id"]: _concluded({**row, **told}, _SCORE, seen=seen) for row in rows
        }

    def influence(self, id: str, *, limit: int = 3) -> Row:
        """The influence that reaches the enterprise and its best paths.

        Null without a snapshot that has it, or on a day before the snapshot's.
        """
        snapshot = self._snapshot_of_day
        if snapshot is None or int(snapshot.locate("Enterprise", [id])[0]) < 0:
            return {"influence": None, "paths": []}
        return risk_paths(snapshot, id, limit=limit, clearance=self.clearance).as_dict()

    def owners(self, id: str, *, limit: int = 10) -> Row | None:
        """Integrated ownership and control; null where `influence` is."""
        snapshot = self._snapshot_of_day
        if snapshot is None or int(snapshot.locate("Enterprise", [id])[0]) < 0:
            return None
        return owners(snapshot, id, limit=limit, clearance=self.clearance).as_dict()

    def grade(self, id: str) -> Row | None:
        """The grade in force on the reader's day, with its reasons; null where there is none."""
        history = self.grades(id)
        return history[0] if history else None

    def grades(self, id: str) -> list[Row]:
        """The grades up to the reader's day, latest first; hidden ones are null and counted."""
        ledger = self.sources.ledger
        history = ledger.history(id) if ledger else []
        return [self.grade_row(grade) for grade in history if grade.as_of <= self.as_of]

    def latest_grades(self, ids: Sequence[str]) -> dict[str, Row]:
        """The grades in force now of those of the enterprises that have one."""
        ledger = self.sources.ledger
        found = ledger.latest_grades(ids) if ledger else {}
        return {id: self.grade_row(grade) for id, grade in found.items()}

    def grade_row(self, grade: Grade) -> Row:
        """A grade as plain data; without what was concluded when the reader may not see it."""
        row = {
            **{name: getattr(grade, name) for name in ("run", "policy", "snapshot", *_GRADE)},
            "reasons": [dict(reason) for reason in grade.reasons],
            "known_at": grade.known_at.isoformat(),
            "valid_from": grade.valid_from.isoformat(),
            "as_of": grade.as_of.isoformat(),
        }
        return _concluded(row, _GRADE, seen=self.sees(grade.snapshot))

    @property
    def _snapshot_of_day(self) -> Snapshot | None:
        """The snapshot, unless it tells what came after the reader's day."""
        snapshot = self.sources.snapshot
        return snapshot if snapshot and snapshot.as_of <= self.as_of else None

    @property
    def _until(self) -> str:
        return self.as_of.isoformat()

    def _page(self, name: str, limit: int, after: str | None, **parameters: Any) -> Page:
        """A page of a list of what the reader may see; its cursor is the number of rows before."""
        offset = pages.after(after)
        answer = self.ask(name, offset=offset, limit=limit + 1, **parameters)
        following = pages.following(offset, limit, more=answer.read > limit)
        return Page(answer.rows[:limit], following, answer.redacted)

    def _bounded(self, name: str, limit: int, after: str | None, **parameters: Any) -> Page:
        """The same, of a list that is read up to the bound."""
        offset = pages.after(after)
        answer = self.ask(name, offset=offset, limit=limit + 1, bound=self.bound, **parameters)
        following = pages.following(offset, limit, more=answer.read > limit)
        partial = answer.degree > self.bound or answer.reached >= self.bound
        return Page(answer.rows[:limit], following, answer.redacted, partial)

    def _ranked(self, name: str, id: str, limit: int, after: str | None) -> Page:
        """A page of a ranked summary; its cursor is the number of rows before it."""
        offset = pages.after(after)
        answer = self.ask(
            name, id=id, until=self._until, bound=self.bound, offset=offset, limit=limit + 1
        )
        hidden = max((row["hidden"] for row in answer.rows), default=0)
        read = max((row["read"] for row in answer.rows), default=0)
        rows = [_without(row, "hidden", "read") for row in answer.rows if row["hs_code"]]
        following = pages.following(offset, limit, more=len(rows) > limit)
        return Page(rows[:limit], following, access.Redactions(edges=hidden), read >= self.bound)

    def _tie(self, row: Row) -> Row:
        link = row["link"]
        ended = link.get("valid_to")
        return {
            "tie": row["tie"],
            "outward": row.get("outward"),
            "party": _plain(row["party"]),
            "share": link.get("share"),
            "former": bool(ended and ended <= self._until),
            "link": _evidence(link),
        }


def _concluded(row: Row, names: Sequence[str], *, seen: bool) -> Row:
    """A score or a grade: null in what was concluded, and that counted, when it is hidden."""
    hidden = [] if seen else [name for name in names if row[name] is not None]
    kept = {name: None if name in hidden else value for name, value in row.items()}
    return {**kept, "redacted": access.Redactions(properties=len(hidden)).as_dict()}


def _nothing_hidden() -> Row:
    return {"as_of": None, "redacted": access.Redactions().as_dict()}


_PROVENANCE = ("source", "record", "marking", "markings", "valid_from", "valid_to", "recorded_at")


def _plain(item: Mapping[str, Any]) -> Row:
    """A node's own properties, with its provenance under `evidence`."""
    own = {name: value for name, value in item.items() if name not in _PROVENANCE}
    return {**own, "evidence": _evidence(item)}


def _evidence(item: Mapping[str, Any]) -> Row:
    """Record and source something was read from, and since when it holds."""
    own = {name: item.get(name) for name in _PROVENANCE if name != "markings"}
    return {**own, **{n: item[n] for n in ("derivation", "score", "key") if item.get(n)}}


def _peer(row: Row | None) -> Row | None:
    return {name: row[name] for name in ("items", "low", "median", "high")} if row else None


def _without(row: Mapping[str, Any], *names: str) -> Row:
    return {key: value for key, value in row.items() if key not in names}
