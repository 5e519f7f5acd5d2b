"""Who is the same party: the stage between the lake and the ledger's judgements."""

from collections.abc import Callable
from dataclasses import dataclass

import ibis
import polars as pl

from graph.ontology import MARKINGS
from graph.settings import Settings
from graph.store.lake import Lake
from graph.store.ledger import Ledger, Reconciled
from ingest.resolve.blocking import Side, block, side
from ingest.resolve.compare import compare
from ingest.resolve.judgements import RULES, propose, to_arrow, with_markings
from ingest.resolve.weights import Weights, load_weights

Progress = Callable[[str, float], None] | None

_ENTERPRISE = (
    "name", "name_en", "uscc", "customs_code", "phone", "email", "address", "country",
    "registered_on",
)  # fmt: skip
_PERSON = ("name", "id_number", "birth_date", "nationality")
_ENTRY = ("name", "country")
_ENTRY_LISTS = ("aliases", "identifiers")
#: Canonical columns whose values are facts of another field.
_FIELDS = {
    "name_en": "name", "aliases": "name", "identifiers": "identifier", "nationality": "country",
}  # fmt: skip
#: What list entries of other kinds than persons and these name is compared with enterprises.
_THINGS = ("vessel", "aircraft")
_PERSONS = ("person", "individual")


@dataclass(frozen=True)
class ResolveReport:
    """What the rules found. `candidates` pairs were compared; `positive` and `unsure` judgements
    of the same party and `listed` of parties and list entries are in force by rule; `added` and
    `retired` say what this run changed, `left` how many pairs a person had judged already.
    `skipped_blocks` had more members than allowed, and their pairs were not looked at."""

    candidates: int
    positive: int
    unsure: int
    listed: int
    added: int
    retired: int
    left: int
    skipped_blocks: int


@dataclass(frozen=True)
class Matched:
    """Proposals of one pairing of kinds, with what it took."""

    proposals: pl.DataFrame
    candidates: int
    skipped: int


def resolve(settings: Settings, *, progress: Progress = None) -> ResolveReport:
    """Judge every pair of parties in the lake by rule; a person's judgements stay as they are.

    Running it again on the same lake changes nothing. Pairs the rules no longer find are retired.

    Raises:
        LakeError, LedgerError: what is read or written fails.
        ResolveError: the weights are wrong.
    """
    weights = load_weights()
    _tell(progress, "reading parties", 0.0)
    with Lake(settings) as lake:
        enterprises, persons, listed, listed_persons = read_parties(lake)
    found: dict[str, list[Matched]] = {}
    pairings = (
        (enterprises, enterprises),
        (persons, persons),
        (enterprises, listed),
        (persons, listed_persons),
    )
    for step, (left, right) in enumerate(pairings):
        _tell(progress, f"comparing {left.kind} with {right.kind}", 0.1 + 0.2 * step)
        found.setdefault(right.kind, []).append(match(left, right, weights))
    _tell(progress, "recording judgements", 0.9)
    with Ledger(settings) as ledger:
        changes = [
            ledger.reconcile(
                kind, to_arrow(pl.concat([one.proposals for one in matched])), rules=RULES
            )
            for kind, matched in sorted(found.items())
        ]
    _tell(progress, "resolved", 1.0)
    return _report(found, changes)


def match(left: Side, right: Side, weights: Weights) -> Matched:
    """Block, compare and judge two sides; the same side twice compares it with itself."""
    comparison = weights.of(right.kind)
    identifiers = tuple(sorted({*comparison.identifiers, *_identifiers(left, weights)}))
    blocks = block(left, right, identifiers, weights.largest_block)
    compared = compare(blocks.pairs, left, right, comparison)
    proposals = propose(compared, left.kind, right.kind, weights.unsure)
    proposals = with_markings(proposals, left, right)
    return Matched(proposals, blocks.pairs.height, blocks.skipped)


def read_parties(lake: Lake) -> tuple[Side, Side, Side, Side]:
    """Enterprises, persons, list entries that are not persons, and those that are.

    Every interval's values count, so a former name or number still tells who somebody is.
    """
    entries = lake.table("list_entries")
    kind = entries.kind.lower()
    is_person = kind.isin(_PERSONS)
    other = entries.filter(~is_person & ~kind.isin(_THINGS))
    entry = ("ListEntry", "entry_id", _ENTRY, _ENTRY_LISTS)
    return (
        _side(lake.table("enterprises"), "Enterprise", "enterprise_id", _ENTERPRISE),
        _side(lake.table("persons"), "Person", "person_id", _PERSON, ordered=False),
        _side(other, *entry),
        _side(entries.filter(is_person), *entry, ordered=False),
    )


def _side(
    table: ibis.Table,
    kind: str,
    key: str,
    columns: tuple[str, ...],
    lists: tuple[str, ...] = (),
    *,
    ordered: bool = True,
) -> Side:
    return side(kind, _facts(table, key, columns, lists), _levels(table, key), ordered=ordered)


def _levels(table: ibis.Table, key: str) -> pl.DataFrame:
    """The level of the highest marking of the statements of each party: `LEVELS`."""
    rows = pl.DataFrame(pl.from_arrow(table.select(key, "marking").to_pyarrow()))
    places = {name: place for place, name in enumerate(MARKINGS)}
    level = pl.col("marking").replace_strict(
        places, default=len(MARKINGS) - 1, return_dtype=pl.UInt8
    )
    return rows.group_by(id=key).agg(level=level.max())


def _facts(
    table: ibis.Table, key: str, columns: tuple[str, ...], lists: tuple[str, ...] = ()
) -> pl.DataFrame:
    """The columns' values in long form: `id`, `field`, `value` (text), distinct."""
    rows = pl.DataFrame(pl.from_arrow(table.select(key, *columns, *lists).to_pyarrow()))
    rows = rows.with_columns(pl.col(name).cast(pl.String) for name in columns)
    parts = [
        (rows.explode(name) if name in lists else rows).select(
            id=key, field=pl.lit(_FIELDS.get(name, name)), value=_text(name)
        )
        for name in (*columns, *lists)
    ]
    return pl.concat(parts).drop_nulls().unique().sort("id", "field", "value")


def _text(name: str) -> pl.Expr:
    """Addresses and identifiers without spaces and marks, since each source writes its own."""
    if name in ("address", "identifiers"):
        return pl.col(name).str.to_uppercase().str.replace_all(r"[^\p{L}\p{N}]", "")
    return pl.col(name)


def _identifiers(party: Side, weights: Weights) -> tuple[str, ...]:
    return weights.of(party.kind).identifiers if party.kind != "ListEntry" else ()


def _report(found: dict[str, list[Matched]], changes: list[Reconciled]) -> ResolveReport:
    every = [one for matched in found.values() for one in matched]
    same = pl.concat([one.proposals for kind in ("Enterprise", "Person") for one in found[kind]])
    return ResolveReport(
        candidates=sum(one.candidates for one in every),
        positive=same.filter(pl.col("judgement") == "positive").height,
        unsure=same.filter(pl.col("judgement") == "unsure").height,
        listed=sum(one.proposals.height for one in found["ListEntry"]),
        added=sum(change.added for change in changes),
        retired=sum(change.retired for change in changes),
        left=sum(change.left for change in changes),
        skipped_blocks=sum(one.skipped for one in every),
    )


def _tell(progress: Progress, what: str, share: float) -> None:
    if progress is not None:
        progress(what, share)
