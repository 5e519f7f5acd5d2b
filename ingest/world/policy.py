"""The numbers of the simulated world, in one place, with where each comes from.

Anchors: China's published credit management results (certified enterprises about 1 % of active
firms and about 40 % of value; inspection rates), national declaration data (share of violations
1.2 to 8.2 %), the Korean declaration data (severe share 4.9 %, origin unlike departure 20 %), and
targets stated for two-wheel selection (inspect 4 %). What has no anchor is a choice and says so.
"""

from dataclasses import dataclass, fields
from datetime import date

from graph.errors import HawserError


class WorldError(HawserError):
    """A world cannot be generated as asked."""


#: The planted schemes, in the order of their numbers. Every world holds at least one ring of each.
SCHEMES = (
    "rotating_fronts",
    "undervaluation",
    "transshipment",
    "shell_address",
    "waste_concealment",
    "circular_trade",
)
#: Violations outside rings: honest mistakes and lone offenders.
LONE = "lone_offender"


_SHARES = ("_share", "_rate", "_noise", "_trade", "_probability")
_SHORTEST = 365


@dataclass(frozen=True)
class WorldPolicy:
    """Shares are of all shipments or enterprises, in 0..1; days are calendar days."""

    first_day: date = date(2023, 1, 1)
    last_day: date = date(2025, 12, 31)

    # Population (choices; few brokers a declaration as in the Korean data: 0.033 declarants a row).
    broker_share: float = 0.025
    forwarder_share: float = 0.02
    carrier_share: float = 0.01
    maker_share: float = 0.06
    foreign_trader_share: float = 0.26
    foreign_maker_share: float = 0.04
    front_share: float = 0.12
    shipments_per_enterprise: float = 10.0

    # Activity (choices).
    activity_sigma: float = 1.3
    growth_per_year: float = 0.06
    new_firm_share: float = 0.30
    quiet_share: float = 0.15
    short_lived_share: float = 0.12
    import_share: float = 0.75
    honest_shared_address: float = 0.08
    honest_shared_phone: float = 0.08
    honest_shared_person: float = 0.05
    group_share: float = 0.18
    duplicate_share: float = 0.02

    # Rings (choices): their trade and rate together with the lone offenders make the base 2 to 4 %,
    # and a perfect knowledge of the rings about 0.3 precise among the top 4 %.
    ring_trade: float = 0.07
    ring_shipments: int = 280
    ring_rate: float = 0.31
    ring_noise: float = 0.25
    rotation_days: int = 60
    lone_rate: float = 0.011

    # Goods and routes.
    price_sd_cap: float = 0.9
    undervaluation: tuple[float, float] = (0.25, 0.70)
    reconsigned_share: float = 0.06
    laundered_detour: float = 0.5
    recycling_share: float = 0.06
    third_country_share: float = 0.12
    away_share: float = 0.25
    ring_away_share: float = 0.6
    knots: float = 16.0

    # Inspections: 4 % in all; the random wheel is exact, the targeted one is crude.
    random_probability: float = 0.006
    inspected_share: float = 0.04
    certified_factor: float = 0.05
    dishonest_factor: float = 200.0
    severity: tuple[float, float, float] = (0.60, 0.351, 0.049)

    # Credit classes: about 1 % advanced certified, about 1 % dishonest.
    certified_share: float = 0.01
    dishonest_share: float = 0.01

    def __post_init__(self) -> None:
        """Reject numbers no world can be made of. Raises `WorldError`."""
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name.endswith(_SHARES) and not 0 <= value <= 1:
                raise WorldError(f"{item.name} is {value}", hint="use a number from 0 to 1")
        if self.days < _SHORTEST:
            raise WorldError(f"a period of {self.days} days is too short", hint="use a year")
        if self.random_probability >= self.inspected_share:
            raise WorldError("random_probability is not below inspected_share")

    @property
    def days(self) -> int:
        """Number of days in the period."""
        return (self.last_day - self.first_day).days + 1
