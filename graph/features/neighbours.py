"""Violations among the enterprises that a shipment's parties are linked to.

Enterprises that share something (an address, a telephone number, a representative, an owner, a
broker, a counterparty abroad) are members of a hub. What is known of the members is frozen at a
cut, the first day of the quarter; which registered hubs an enterprise belongs to is as known on the
day asked. A hub of degree d weighs 1/ln(2 + d), and nothing above `HUB_LIMIT` members.

With B the members (enterprises by hubs), W the weights and y = (findings, violations) of each
enterprise before the cut: H = B'y is known of each hub; an enterprise's neighbours give
x = B W H - (B W 1) y, all but its own; two hops away it is H2 = B'x. Each cut costs O(links).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import polars.selectors as cs
import scipy.sparse as sparse

from graph.features.frames import Told
from graph.features.history import ROLES, Keys, Labels, base_rate, codes_of
from graph.features.windows import NEVER, Integers, Numbers, encode, places

REGISTERED = ("address", "contact", "representative", "person", "ownership")
TRADED = ("broker", "counterparty")
KINDS = (*REGISTERED, *TRADED)
#: Members above which a hub joins nobody in particular.
HUB_LIMIT = 500
#: Links of an enterprise that are followed, the earliest recorded first.
LINK_LIMIT = 64
#: Weighted findings that a neighbours' rate is worth before the first.
PRIOR_FINDINGS = 3.0

_OWNERSHIP = ("SHAREHOLDER", "CONTROLLER", "BRANCH_OF", "GUARANTOR", "LENDER")
_SIGNS = r"[\s\p{P}\p{S}]+"


@dataclass(frozen=True)
class Links:
    """Memberships of enterprises in hubs, each in force from `start` until `end`.

    `kind` is a position in `KINDS`; hubs of all kinds share one numbering.
    """

    enterprise: Integers
    hub: Integers
    kind: Integers
    start: Integers
    end: Integers
    hubs: int
    hub_kind: Integers
    broker_hub: Integers
    counterparty_hub: Integers

    def by_enterprise(self) -> "Registered":
        """The registered memberships, sorted for look-up by enterprise."""
        rows = np.flatnonzero(self.kind < len(REGISTERED))
        order = rows[np.lexsort((self.hub[rows], self.start[rows], self.enterprise[rows]))]
        return Registered(self.enterprise[order], order)


@dataclass(frozen=True)
class Registered:
    """Rows of `Links` sorted by enterprise."""

    enterprise: Integers
    rows: Integers

    def of(self, asked: Integers) -> tuple[Integers, Integers]:
        """For each asked enterprise its first links: (position in `asked`, row of `Links`)."""
        begin, end = places(self.enterprise, asked, asked + 1)
        number = np.where(asked >= 0, np.minimum(end - begin, LINK_LIMIT), 0)
        who = np.repeat(np.arange(asked.size), number)
        step = np.arange(who.size) - np.repeat(np.cumsum(number) - number, number)
        return who, self.rows[begin[who] + step] if who.size else who


@dataclass(frozen=True)
class Frozen:
    """What was known at a cut: columns are (findings, violations).

    `codes` are the members as sorted numbers, enterprise * hubs + hub.
    """

    members: sparse.csr_array
    codes: Integers
    weight: Numbers
    own: Numbers
    hub: Numbers
    neighbours: Numbers
    hub_two: Numbers


def links(told: Told, key: Keys) -> Links:
    """All memberships ever told. O(statements)."""
    frames = [
        *_registrations(told.enterprises),
        *_relations(told.relations, key),
        _trade(told, key, "importer", "declarant", "broker"),
        _trade(told, key, "importer", "exporter", "counterparty"),
        _trade(told, key, "exporter", "importer", "counterparty"),
    ]
    frame = pl.concat(frames).filter(pl.col("enterprise").is_not_null())
    wanted = [_hub_names(key, "broker"), _hub_names(key, "counterparty")]
    kind = frame["kind"].to_numpy()
    names = pl.select(
        pl.concat_str(frame["kind"].cast(pl.String), frame["hub"], separator="|")
    ).to_series()
    (hub, broker, counterparty), distinct = encode(
        names.to_arrow(), wanted[0].to_arrow(), wanted[1].to_arrow()
    )
    hub_kind = pl.Series(distinct).str.split("|").list.first().cast(pl.Int64).to_numpy()
    return Links(
        codes_of(frame["enterprise"], key), hub, kind,
        frame["start"].to_numpy(), frame["end"].to_numpy(), len(distinct), hub_kind,
        broker, counterparty,
    )  # fmt: skip


def _hub_names(key: Keys, kind: str) -> pl.Series:
    """The name of the hub that each enterprise, by its code, is for the others."""
    return pl.select(
        pl.concat_str(pl.lit(str(KINDS.index(kind))), key.enterprises, separator="|")
    ).to_series()


def _rows(frame: pl.DataFrame, enterprise: str, hub: pl.Expr, kind: str) -> pl.DataFrame:
    """Memberships in the common form; rows without a hub are left out."""
    return frame.select(
        pl.col(enterprise).cast(pl.String).alias("enterprise"),
        hub.cast(pl.String).alias("hub"),
        pl.lit(KINDS.index(kind), pl.Int64).alias("kind"),
        pl.col("start").cast(pl.Int64),
        pl.col("end").cast(pl.Int64),
    ).filter(pl.col("hub").str.len_bytes() > 0)


def _registrations(enterprises: pl.DataFrame) -> list[pl.DataFrame]:
    def text(name: str) -> pl.Expr:
        return pl.col(name).str.to_uppercase().str.replace_all(_SIGNS, "")

    return [
        _rows(enterprises, "enterprise_id", text("address"), "address"),
        _rows(enterprises, "enterprise_id", text("phone"), "contact"),
        _rows(enterprises, "enterprise_id", text("email"), "contact"),
    ]


def _relations(relations: pl.DataFrame, key: Keys) -> list[pl.DataFrame]:
    """People are hubs of the enterprises they are tied to; an owner is the hub of what it owns."""
    of = relations.filter(pl.col("type") != "FAMILY")
    ties = of.filter(pl.col("type").is_in(_OWNERSHIP))
    formal = of.filter(pl.col("type") == "LEGAL_REPRESENTATIVE")
    other = of.filter(~pl.col("type").is_in((*_OWNERSHIP, "LEGAL_REPRESENTATIVE")))
    owner = pl.when(pl.col("type") == "BRANCH_OF").then("target_id").otherwise("source_id")
    return [
        _rows(formal, "target_id", pl.col("source_id"), "representative"),
        _rows(other, "target_id", pl.col("source_id"), "person"),
        _rows(ties, "target_id", owner, "ownership"),
        _rows(ties, "source_id", owner, "ownership"),
    ]


def _trade(told: Told, key: Keys, member: str, other: str, kind: str) -> pl.DataFrame:
    """Members of the hub that a broker or counterparty is, from their first declaration on."""
    pairs = told.shipments.group_by(f"{member}_id", f"{other}_id").agg(pl.col("start").min())
    pairs = pairs.with_columns(pl.lit(NEVER).alias("end")).sort(f"{member}_id", f"{other}_id")
    return _rows(pairs, f"{member}_id", pl.col(f"{other}_id"), kind)


class Neighbours:
    """Answers what was known around enterprises; one `Frozen` a cut."""

    def __init__(self, told: Told, key: Keys, labels: Labels) -> None:
        self.key, self.labels, self.links = key, labels, links(told, key)
        self._registered = self.links.by_enterprise()
        self._owners = parties(key, labels)

    def freeze(self, cut: int) -> Frozen:
        """What was known before the day `cut`. O(links + findings)."""
        link, size = self.links, len(self.key.enterprises)
        known = (link.start < cut) & (link.end >= cut) & (link.enterprise >= 0)
        ends = (link.enterprise[known], link.hub[known])
        members = sparse.csr_array((np.ones(ends[0].size), ends), shape=(size, link.hubs))
        members.data[:] = 1.0
        degree = np.bincount(members.indices, minlength=link.hubs)
        weight = np.where(degree <= HUB_LIMIT, 1.0 / np.log(2.0 + np.maximum(degree, 1)), 0.0)
        own = self._own(cut, size)
        hub = np.asarray(members.T @ own)
        spread = members @ weight
        neighbours = members @ (weight[:, None] * hub) - spread[:, None] * own
        members.sort_indices()
        owner = np.repeat(np.arange(size, dtype=np.int64), np.diff(members.indptr))
        codes = owner * link.hubs + members.indices
        two = np.asarray(members.T @ neighbours)
        return Frozen(members, codes, weight, own, hub, neighbours, two)

    def _own(self, cut: int, size: int) -> Numbers:
        """Findings and violations of each enterprise before the cut, in whatever role."""
        known = self.labels.day < cut
        own = np.zeros((size, 2))
        for party in self._owners:
            use = known & (party >= 0)
            own[:, 0] += np.bincount(party[use], self.labels.found[use], size)
            own[:, 1] += np.bincount(party[use], self.labels.violations[use], size)
        return own

    def around(
        self, frozen: Frozen, party: Integers, day: Integers
    ) -> tuple[dict[str, Numbers], Numbers]:
        """(findings, violations) one hop away by kind, and two hops away, for each (party, day)."""
        one = {kind: np.zeros((party.size, 2)) for kind in KINDS}
        two = np.zeros((party.size, 2))
        who, row = self._registered.of(party)
        link = self.links
        use = (link.start[row] < day[who]) & (link.end[row] >= day[who])
        who, row = _distinct(who[use], row[use], link.hub)
        hub, enterprise = link.hub[row], link.enterprise[row]
        member = _is_member(frozen, enterprise, hub)[:, None]
        weight = frozen.weight[hub][:, None]
        near = weight * (frozen.hub[hub] - member * frozen.own[enterprise])
        far = weight * (frozen.hub_two[hub] - member * frozen.neighbours[enterprise])
        for position, kind in enumerate(REGISTERED):
            of = link.kind[row] == position
            one[kind] = _sum(who[of], near[of], party.size)
        two = _sum(who, far, party.size)
        for kind in TRADED:
            one[kind] = self._traded(frozen, party, kind)
        return one, two

    def _traded(self, frozen: Frozen, party: Integers, kind: str) -> Numbers:
        """Around the brokers or counterparties the party had before the cut."""
        of = self.links.hub_kind == KINDS.index(kind)
        weight = np.where(of, frozen.weight, 0.0)
        sums = frozen.members @ (weight[:, None] * frozen.hub)
        sums = sums - (frozen.members @ weight)[:, None] * frozen.own
        return np.where((party >= 0)[:, None], np.vstack([sums, np.zeros((1, 2))])[party], 0.0)

    def named(self, frozen: Frozen, member: Integers, hub: Integers) -> tuple[Numbers, Numbers]:
        """Around a hub the shipment itself names, without the member: one hop and two."""
        near, far = np.zeros((hub.size, 2)), np.zeros((hub.size, 2))
        rows = np.flatnonzero(hub >= 0)
        where, who = hub[rows], np.maximum(member[rows], 0)
        inside = (_is_member(frozen, who, where) & (member[rows] >= 0))[:, None]
        weight = frozen.weight[where][:, None]
        near[rows] = weight * (frozen.hub[where] - inside * frozen.own[who])
        far[rows] = weight * (frozen.hub_two[where] - inside * frozen.neighbours[who])
        return near, far


def parties(key: Keys, labels: Labels) -> list[Integers]:
    """The enterprises that each event of a finding concerns, each once: by role, or as named."""
    importer, exporter, declarant = (np.append(key.of(role), -1)[labels.shipment] for role in ROLES)
    exporter = np.where(exporter == importer, -1, exporter)
    declarant = np.where((declarant == importer) | (declarant == exporter), -1, declarant)
    named = np.where(labels.shipment < 0, labels.enterprise, -1)
    return [importer, exporter, declarant, named]


def _distinct(who: Integers, row: Integers, hub: Integers) -> tuple[Integers, Integers]:
    """Each hub once for each asker, however many statements tell it."""
    code = who * (int(hub.max(initial=0)) + 1) + hub[row]
    first = np.unique(code, return_index=True)[1]
    return who[first], row[first]


def _is_member(frozen: Frozen, enterprise: Integers, hub: Integers) -> npt.NDArray[np.bool_]:
    """Whether each (enterprise, hub) is a membership. O(q log m)."""
    if not enterprise.size or not frozen.codes.size:
        return np.zeros(enterprise.size, bool)
    asked = enterprise * frozen.members.shape[1] + hub
    [place] = places(frozen.codes, asked)
    return np.asarray(frozen.codes[np.minimum(place, frozen.codes.size - 1)] == asked)


def _sum(who: Integers, values: Numbers, size: int) -> Numbers:
    return np.column_stack([np.bincount(who, values[:, column], size) for column in range(2)])


def quarter(day: Integers) -> Integers:
    """The first day of the quarter of each day."""
    months = (day.astype("datetime64[D]")).astype("datetime64[M]").astype(np.int64)
    first = (months - months % 3).astype("datetime64[M]").astype("datetime64[D]")
    return first.astype(np.int64)


def neighbour_features(
    told: Told, key: Keys, labels: Labels, progress: Callable[[float], None] = lambda share: None
) -> dict[str, Numbers]:
    """Features of group `neighbour` for every subject. O(cuts (links + findings) + q log m)."""
    around, day = Neighbours(told, key, labels), told.shipments["day"].to_numpy()[told.subjects]
    cuts = quarter(day)
    parts: list[pl.DataFrame] = []
    distinct = np.unique(cuts)
    for number, cut in enumerate(distinct):
        rows = np.flatnonzero(cuts == cut)
        part = _at_cut(around, told.subjects[rows], day[rows], int(cut))
        parts.append(pl.DataFrame({"row": rows, **part}).cast({cs.float(): pl.Float32}))
        progress((number + 1) / distinct.size)
    if not parts:
        parts = [pl.DataFrame({"row": cuts, **_at_cut(around, told.subjects, day, 0)})]
    whole = pl.concat(parts).sort("row").drop("row")
    return {name: whole[name].to_numpy() for name in whole.columns}


def _at_cut(around: Neighbours, subject: Integers, day: Integers, cut: int) -> dict[str, Numbers]:
    frozen = around.freeze(cut)
    base = float(base_rate(around.labels, np.array([cut]))[0])
    features: dict[str, Numbers] = {}
    for role in ROLES:
        party = around.key.of(role)[subject]
        features |= party_neighbours(around, frozen, party, day, base, f"{role}_")
    importer = around.key.importer[subject]
    for name, role, hubs in (
        ("broker_clients", "declarant", around.links.broker_hub),
        ("supplier_customers", "exporter", around.links.counterparty_hub),
    ):
        party = around.key.of(role)[subject]
        hub = np.where(party >= 0, np.append(hubs, -1)[party], -1)
        near, far = around.named(frozen, importer, hub)
        features |= _rate(name, near, base) | _rate(f"{name}_two_hop", far, base)
    return features


def party_neighbours(
    around: Neighbours, frozen: Frozen, party: Integers, day: Integers, base: float, prefix: str
) -> dict[str, Numbers]:
    """Rates and weights around parties: by kind of link, over all kinds, and two hops away."""
    one, two = around.around(frozen, party, day)
    features: dict[str, Numbers] = {}
    for kind in KINDS:
        features |= _rate(f"{prefix}{kind}", one[kind], base)
    features |= _rate(f"{prefix}any_link", sum(one.values(), np.zeros_like(two)), base)
    return features | _rate(f"{prefix}two_hop", two, base)


def _rate(name: str, sums: Numbers, base: float) -> dict[str, Numbers]:
    """(violations + k p) / (findings + k) and ln(1 + findings), of weighted sums."""
    found, bad = np.maximum(sums[:, 0], 0.0), np.maximum(sums[:, 1], 0.0)
    rate = (bad + PRIOR_FINDINGS * base) / (found + PRIOR_FINDINGS)
    return {f"{name}_rate": rate, f"{name}_weight": np.log1p(found)}
