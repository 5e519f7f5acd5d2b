"""What was known of a shipment's own parties, goods and route before it was declared."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from graph.features.frames import Told
from graph.features.row import main_goods
from graph.features.windows import (
    CENTS,
    History,
    InForce,
    Integers,
    Mix,
    Numbers,
    encode,
    fixed,
    in_force,
    pair,
    places,
)

ROLES = ("importer", "exporter", "declarant")
WINDOWS = (30, 90, 365)
#: Findings that a rate of violations is worth before the first finding.
PRIOR_FINDINGS = 20.0


@dataclass(frozen=True)
class Keys:
    """Integer codes of what each declaration names, one array entry a declaration; -1 unknown.

    Enterprises of all roles share one numbering, `enterprises`.
    """

    enterprises: pl.Series
    importer: Integers
    exporter: Integers
    declarant: Integers
    hs: Integers
    origin: Integers
    route: Integers
    office: Integers

    def of(self, name: str) -> Integers:
        """The codes under this name."""
        codes: Integers = getattr(self, name)
        return codes


@dataclass(frozen=True)
class Labels:
    """Results of inspections as events: `day`, the declaration's row, +1/-1 and violations.

    Every statement is told twice: on the day it came into force, and, taken back, on the day `end`
    when it was superseded.
    """

    day: Integers
    shipment: Integers
    found: Integers
    violations: Integers
    enterprise: Integers
    end: Integers

    def times(self, number: int) -> "Labels":
        """The events repeated, once for each of several parties they concern."""
        columns = (self.day, self.shipment, self.found, self.violations, self.enterprise, self.end)
        return Labels(*(np.tile(column, number) for column in columns))

    def standing(self, party: Integers, *, violations: bool = False) -> InForce:
        """The statements, or those of violations, by party (one an event), with violations."""
        stated = (self.violations if violations else self.found) > 0
        return InForce(np.where(stated, party, -1), self.day, self.end, self.violations)


def keys(told: Told) -> Keys:
    """Number all parties, goods and routes. O(n)."""
    s, goods = told.shipments, main_goods(told)
    columns = [s[f"{role}_id"].to_arrow() for role in ROLES]
    more = [told.enterprises["enterprise_id"].to_arrow(), told.findings["enterprise_id"].to_arrow()]
    codes, names = encode(*columns, *more)
    route = s.select(pl.concat_str("loading_port", "discharge_port", separator=">")).to_series()
    single = [goods["hs6"], goods["origin"], route, s["customs_office"]]
    return Keys(
        pl.Series(names), *codes[:3], *(encode(column.to_arrow())[0][0] for column in single)
    )


def labels_as_events(told: Told, key: Keys) -> Labels:
    """Every finding as an event on the day it, and its declaration, had been recorded."""
    rows = told.shipments.select("shipment_id", pl.col("start").alias("told")).with_row_index("row")
    found = told.findings.join(rows, on="shipment_id", how="left", maintain_order="left")
    start = found.select(pl.max_horizontal("start", "told")).to_series().to_numpy()
    end = np.maximum(found["end"].to_numpy(), start)
    violation = (found["outcome"] == "violation").to_numpy().astype(np.int64)
    shipment = found["row"].cast(pl.Int64).fill_null(-1).to_numpy()
    enterprise = codes_of(found["enterprise_id"], key)
    day, one, bad = in_force(start, end, np.ones_like(violation), violation)
    return Labels(day, np.tile(shipment, 2), one, bad, np.tile(enterprise, 2), np.tile(end, 2))


def codes_of(column: pl.Series, key: Keys) -> Integers:
    """Codes of enterprise ids already numbered; -1 for the others."""
    known = pl.DataFrame({"id": key.enterprises}).with_row_index("code")
    asked = pl.DataFrame({"id": column.cast(pl.String)})
    joined = asked.join(known, on="id", how="left", maintain_order="left")
    return joined["code"].cast(pl.Int64).fill_null(-1).to_numpy()


def history_features(told: Told, key: Keys, labels: Labels) -> dict[str, Numbers]:
    """Features of group `history` for every subject. O((n + q) log n)."""
    day = told.shipments["day"].to_numpy()[told.subjects]
    asked = {
        name: key.of(name)[told.subjects] for name in (*ROLES, "hs", "origin", "route", "office")
    }
    features: dict[str, Numbers] = {}
    value = trade_values(told)
    for role in ROLES:
        features |= trade_history(role, key.of(role), told, value, asked[role], day)
        features |= party_features(f"{role}_", told, key, asked[role], day)
    features |= _mixes(told, key, asked, day)
    features |= _novelty(told, key, asked, day)
    features |= _own_price(told, key, asked, day)
    features |= violation_features(labels, key, asked, day)
    return features


def trade_values(told: Told) -> Integers:
    """Sum of customs values of each declaration, in hundredths."""
    sums = np.zeros(told.shipments.height)
    np.add.at(sums, told.items["shipment"].to_numpy(), _filled(told.items["customs_value"], 0.0))
    return fixed(sums, CENTS)


def _filled(column: pl.Series, value: float) -> Numbers:
    return column.cast(pl.Float64).fill_null(value).to_numpy()


def trade_history(
    role: str, events: Integers, told: Told, value: Integers, party: Integers, day: Integers
) -> dict[str, Numbers]:
    """Numbers, values and days of the party's earlier declarations in a role."""
    history = History(events, told.shipments["start"].to_numpy(), value)
    features: dict[str, Numbers] = {}
    for window in WINDOWS:
        number, total = history.before(party, day, window)
        features[f"{role}_shipments_{window}"] = _where(party, number)
        features[f"{role}_log_value_{window}"] = _where(
            party, np.log1p(np.maximum(total, 0) / CENTS)
        )
    features[f"{role}_shipments_ever"] = _where(party, np.log1p(history.before(party, day)[0]))
    features[f"{role}_days_since_first"] = day - history.first(party, day)
    features[f"{role}_days_since_last"] = day - history.last(party, day)
    return features


def _where(key: Integers, values: np.ndarray) -> Numbers:
    """The values as numbers, NaN where the key is unknown."""
    return np.where(key >= 0, values.astype(np.float64), np.nan)


def party_features(
    prefix: str, told: Told, key: Keys, party: Integers, day: Integers
) -> dict[str, Numbers]:
    """Age, capital and adverse credit events of the party, as known before the day."""
    codes = codes_of(told.enterprises["enterprise_id"], key)
    row = _latest(codes, told.enterprises["start"].to_numpy(), party, day)
    registered = told.enterprises["registered_on"].to_physical().cast(pl.Float64).fill_null(np.nan)
    capital = _filled(told.enterprises["registered_capital"], np.nan)
    adverse = adverse_events(told)
    when = codes_of(adverse["enterprise_id"], key)
    start, end = adverse["start"].to_numpy(), adverse["end"].to_numpy()
    days, one = in_force(start, end, np.ones_like(start))
    events = History(np.tile(when, 2), days, one)
    last = InForce(when, start, end).last(party, day)
    known = History(codes, told.enterprises["start"].to_numpy()).first(party, day)
    return {
        f"{prefix}age_days": day - _at(registered.to_numpy(), row),
        f"{prefix}log_capital": np.log1p(np.maximum(_at(capital, row), 0)),
        f"{prefix}known_days": day - known,
        f"{prefix}adverse_events": _where(party, events.before(party, day)[1]),
        f"{prefix}days_since_adverse": day - last,
    }  # fmt: skip


def adverse_events(told: Told) -> pl.DataFrame:
    """Credit events that have a severity: penalties, defaults, not certifications."""
    return told.events.filter(pl.col("severity").is_not_null())


def _latest(key: Integers, start: Integers, asked: Integers, day: Integers) -> Integers:
    """Row of the key's last statement before the day; -1 for none. O((m + q) log m)."""
    order = np.lexsort((start, key))
    rows = History(key[order], start[order])
    number = rows.before(asked, day)[0]
    [begin] = places(key[order], asked)
    found = np.where((number > 0) & (asked >= 0), begin + number - 1, -1)
    return np.where(found >= 0, np.append(order, -1)[found], -1)


def _at(values: Numbers, row: Integers) -> Numbers:
    return np.where(row >= 0, np.append(values, np.nan)[row], np.nan)


def _mixes(told: Told, key: Keys, asked: dict[str, Integers], day: Integers) -> dict[str, Numbers]:
    """How varied the parties' goods and partners were in the last 365 days."""
    start, features = told.shipments["start"].to_numpy(), {}
    for party, item, name in (
        ("importer", "hs", "hs"), ("exporter", "hs", "hs"),
        ("importer", "declarant", "brokers"), ("importer", "exporter", "suppliers"),
        ("exporter", "importer", "customers"), ("declarant", "importer", "clients"),
        ("importer", "origin", "origins"),
    ):  # fmt: skip
        mix = Mix(key.of(party), key.of(item), start, WINDOWS[-1])
        _, distinct, entropy, _ = mix.before(asked[party], day)
        features[f"{party}_distinct_{name}_365"] = _where(asked[party], distinct)
        features[f"{party}_{name}_entropy_365"] = entropy
    return features


def _novelty(
    told: Told, key: Keys, asked: dict[str, Integers], day: Integers
) -> dict[str, Numbers]:
    """Whether the importer was seen before with this broker, supplier, goods, origin, route."""
    start, features = told.shipments["start"].to_numpy(), {}
    for name, other in (
        ("broker", "declarant"), ("supplier", "exporter"), ("hs", "hs"), ("origin", "origin"),
        ("route", "route"),
    ):  # fmt: skip
        both = pair(key.of("importer"), key.of(other))
        here = both[told.subjects]
        history = History(both, start)
        number = history.before(here, day)[0]
        features[f"new_{name}"] = _where(here, number == 0)
        features[f"shipments_with_{name}"] = _where(here, np.log1p(number))
    both = pair(key.of("hs"), key.of("route"))
    known = History(both, start).before(both[told.subjects], day)[0]
    features["hs_on_route"] = _where(both[told.subjects], np.log1p(known))
    return features


def _own_price(
    told: Told, key: Keys, asked: dict[str, Integers], day: Integers
) -> dict[str, Numbers]:
    """Log price per kilogram of the main item against the mean of the importer's own before."""
    items = told.items.sort("shipment", "customs_value", "item_no", descending=[False, True, False])
    items = items.unique("shipment", keep="first", maintain_order=True)
    price = (items["customs_value"] / items["net_mass_kg"]).to_numpy()
    whole = np.full(told.shipments.height, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole[items["shipment"].to_numpy()] = np.where(price > 0, np.log(price), np.nan)
    whole[~np.isfinite(whole)] = np.nan
    both = pair(key.of("importer"), key.of("hs"))
    priced = np.where(np.isnan(whole), -1, both)
    history = History(priced, told.shipments["start"].to_numpy(), fixed(whole, 1e6))
    number, total = history.before(both[told.subjects], day)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(number > 0, total / 1e6 / number, np.nan)
    return {"own_price_log_ratio": whole[told.subjects] - mean}


def violation_features(
    labels: Labels, key: Keys, asked: dict[str, Integers], day: Integers
) -> dict[str, Numbers]:
    """Smoothed rates of violations in the findings known before the day.

    rate = (violations + 20 p) / (findings + 20) with p the rate over all findings known then.
    """
    base = base_rate(labels, day)
    features = {"base_violation_rate": base}
    for name in (*ROLES, "hs", "origin", "route", "office"):
        codes = key.of(name)
        event = (
            np.where(labels.shipment >= 0, codes[labels.shipment], -1)
            if codes.size
            else labels.shipment
        )
        if name in ROLES:
            event = np.where(event < 0, labels.enterprise, event)
        history = History(event, labels.day, labels.found, labels.violations)
        _, found, bad = history.before(asked[name], day)
        features[f"{name}_violation_rate"] = _where(asked[name], smoothed(found, bad, base))
        features[f"{name}_findings"] = _where(asked[name], np.log1p(found))
        if name in ROLES:
            guilty = labels.standing(event, violations=True)
            features[f"{name}_days_since_violation"] = day - guilty.last(asked[name], day)
    return features  # fmt: skip


def smoothed(found: Integers, bad: Integers, base: Numbers) -> Numbers:
    """(violations + 20 p) / (findings + 20)."""
    return np.asarray((bad + PRIOR_FINDINGS * base) / (found + PRIOR_FINDINGS))


def base_rate(labels: Labels, day: Integers) -> Numbers:
    """Rate of violations over all findings known before each day, 4 % before the first."""
    everywhere = History(np.zeros_like(labels.day), labels.day, labels.found, labels.violations)
    _, found, bad = everywhere.before(np.zeros_like(day), day)
    return np.asarray((bad + 1.0) / (found + 25.0))
