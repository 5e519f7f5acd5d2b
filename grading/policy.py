"""The policy of a scorecard: one YAML file, checked when it is read.

Conventions (Siddiqi, "Credit Risk Scorecards", 2006): weight of evidence is
`ln(share of compliant / share of violating)`, so a positive one means lower risk; odds are
compliant to violating; a higher score is better. An enterprise scores

    points = offset + factor * (ln population_odds + sum over characteristics of weight * woe)
    factor = points_to_double_odds / ln 2,    offset = base_points - factor * ln base_odds
"""

import hashlib
import json
import math
from collections.abc import Collection
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from grading.errors import PolicyError

#: The policy in force unless another file is named.
DEFAULT = Path(__file__).parent / "rules" / "scorecard_v1.yml"
#: Feature names that do not come from the feature table: what the scores say.
SCORE_FEATURES = ("score.probability",)

Name = Annotated[str, Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Text(_Part):
    """A text in Chinese and English. A reason's text may show the value: `{value:.0%}`."""

    zh: Name
    en: Name

    def check(self, value: float | None = 0.5) -> None:
        """Reject a template that cannot be filled with such a value."""
        for template in (self.zh, self.en):
            try:
                template.format(value=value)
            except (KeyError, IndexError, TypeError, ValueError) as error:
                raise ValueError(f"text {template!r} cannot show {{value}} = {value}") from error


class Bin(_Part):
    """Values below `below` (and not below the bin before); the last bin has no bound."""

    woe: float
    below: float | None = None


class NoValue(_Part):
    """What an unknown value counts: nothing, unless the policy says so."""

    reason: Text
    woe: float = 0.0


class Few(_Part):
    """The small-sample rule: while `inspected` is below `below`, `feature` (a count) is used.

    Nothing inspected is nothing known: then the value is missing.
    """

    inspected: Name
    below: float = Field(gt=0)
    feature: Name
    bins: tuple[Bin, ...] = Field(min_length=1)
    reason: Text


class Characteristic(_Part):
    """One line of the scorecard: a feature, its bins and what each is worth."""

    code: str = Field(pattern=r"^[A-Z]+\.[A-Z_]+$")
    group: Name
    feature: Name
    name: Text
    order: Literal["lower is safer", "higher is safer", "any"]
    bins: tuple[Bin, ...] = Field(min_length=2)
    reason: Text
    missing: NoValue
    few: Few | None = None
    weight: float = Field(default=1.0, ge=0)
    basis: Text | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        for bins in (self.bins, *([self.few.bins] if self.few else [])):
            _check_bins(self.code, bins, self.order)
        self.reason.check()
        self.missing.reason.check(None)
        if self.few:
            self.few.reason.check()
        return self

    @property
    def few_bins(self) -> tuple[Bin, ...]:
        """The bins of the small-sample rule."""
        return self.few.bins if self.few else ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The reason code of each variant: the bins, the small-sample bins, the missing one."""
        few = (f"{self.code}.FEW",) * len(self.few_bins)
        return (self.code,) * len(self.bins) + few + (f"{self.code}.MISSING",)

    @property
    def woes(self) -> tuple[float, ...]:
        """The weight of evidence of each variant."""
        return (*(bin.woe for bin in (*self.bins, *self.few_bins)), self.missing.woe)

    @property
    def texts(self) -> dict[str, Text]:
        """The text of each reason code."""
        few = {f"{self.code}.FEW": self.few.reason} if self.few else {}
        return {self.code: self.reason, **few, f"{self.code}.MISSING": self.missing.reason}


class Group(_Part):
    """Characteristics of one kind. `most_lost` caps what they can take away together."""

    name: Text
    most_lost: float | None = Field(default=None, gt=0)
    why: str = ""


class Band(_Part):
    """A grade: points from `from` upwards, up to the next better band."""

    band: str = Field(min_length=1, max_length=8)
    lower: float | None = Field(default=None, alias="from")
    meaning: Text


class Condition(_Part):
    """That `feature` is at least, or below, a number. Of an unknown value only `below` is true."""

    feature: Name
    at_least: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.at_least is None) == (self.below is None):
            raise ValueError("a condition needs either `at_least` or `below`")
        return self


class Gate(_Part):
    """While `feature` is above `above`, and `only_if` holds, no band better than `ceiling`."""

    code: str = Field(pattern=r"^GATE\.[A-Z_]+$")
    feature: Name
    above: float
    only_if: Condition | None = None
    ceiling: Name
    basis: Text
    reason: Text

    @property
    def text(self) -> Text:
        """The reason with its basis in law."""
        return Text(
            zh=f"{self.reason.zh}（依据：{self.basis.zh}）",
            en=f"{self.reason.en} (basis: {self.basis.en})",
        )


class Scale(_Part):
    """Points: `base_points` at odds `base_odds` to 1, and how many double the odds."""

    base_points: float
    base_odds: float = Field(gt=0)
    points_to_double_odds: float = Field(gt=0)
    population_odds: float = Field(gt=0)


class Policy(_Part):
    """A whole scorecard."""

    policy: str = Field(pattern=r"^[a-z0-9_]+$")
    title: Text
    scale: Scale
    groups: dict[str, Group]
    characteristics: tuple[Characteristic, ...] = Field(min_length=1)
    gates: tuple[Gate, ...] = ()
    bands: tuple[Band, ...] = Field(min_length=2)
    reasons: int = Field(default=4, ge=1, le=10)

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_bands(self.bands)
        _check_names(self)
        for gate in self.gates:
            gate.text.check()
        for code, group in self.groups.items():
            if group.most_lost is not None:
                _check_cap(self, code, group.most_lost)
        return self

    @property
    def factor(self) -> float:
        """Points a unit of weight of evidence is worth."""
        return self.scale.points_to_double_odds / math.log(2)

    @property
    def neutral(self) -> float:
        """Points of an enterprise of which nothing is known."""
        scale = self.scale
        return scale.base_points + self.factor * math.log(scale.population_odds / scale.base_odds)

    @property
    def features(self) -> frozenset[str]:
        """Every feature the policy reads, those of the scores too."""
        return frozenset(
            [line.feature for line in self.characteristics]
            + [line.few.feature for line in self.characteristics if line.few]
            + [line.few.inspected for line in self.characteristics if line.few]
            + [gate.feature for gate in self.gates]
            + [gate.only_if.feature for gate in self.gates if gate.only_if]
        )

    @property
    def texts(self) -> dict[str, dict[str, str]]:
        """The text of every reason code."""
        lines = [item for line in self.characteristics for item in line.texts.items()]
        gates = [(gate.code, gate.text) for gate in self.gates]
        return {code: text.model_dump() for code, text in (*lines, *gates)}

    @cached_property
    def hash(self) -> str:
        """Names the policy by what it says; comments and layout do not count."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()[:32]

    def odds(self, points: float) -> float:
        """Odds of compliance that a score stands for."""
        exponent = (points - self.scale.base_points) / self.scale.points_to_double_odds
        return float(self.scale.base_odds * 2**exponent)


def load_policy(path: Path = DEFAULT, known_features: Collection[str] | None = None) -> Policy:
    """Read and check a policy; with `known_features`, its features must all be among them.

    Raises:
        PolicyError: the file cannot be read, or is wrong; the message names the first wrong place.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        line = " ".join(str(error).split())
        raise PolicyError(f"the policy {path.name} cannot be read: {line}") from error
    return parse_policy(content, path.name, known_features)


def parse_policy(
    content: object, where: str = "policy", known_features: Collection[str] | None = None
) -> Policy:
    """Check a policy that is read already. Raises `PolicyError`."""
    try:
        # The values come from YAML, whose sequences are lists: only the round trip through JSON
        # lets a strict model take them for tuples.
        policy = Policy.model_validate_json(_json(content))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        message = first["msg"].removeprefix("Value error, ")
        raise PolicyError(f"{where}{': ' if place else ''}{place}: {message}{more}") from error
    if known_features is not None:
        unknown = sorted(policy.features - set(known_features) - set(SCORE_FEATURES))
        if unknown:
            raise PolicyError(
                f"{where}: no such feature: {', '.join(unknown)}",
                hint="use names of the enterprise features in graph/features",
            )
    return policy


def _json(content: object) -> str:
    return json.dumps(content, default=str)


def _check_bins(code: str, bins: tuple[Bin, ...], order: str) -> None:
    bounds = [bin.below for bin in bins]
    if bounds[-1] is not None or any(bound is None for bound in bounds[:-1]):
        raise ValueError(f"{code}: every bin but the last needs `below`, and only those")
    if any(low >= high for low, high in pairwise(bound for bound in bounds if bound is not None)):
        raise ValueError(f"{code}: the bins' bounds must rise")
    steps = [after.woe - before.woe for before, after in pairwise(bins)]
    if (order == "lower is safer" and any(step > 0 for step in steps)) or (
        order == "higher is safer" and any(step < 0 for step in steps)
    ):
        raise ValueError(f"{code}: the bins' woe contradicts {order!r}")


def _check_bands(bands: tuple[Band, ...]) -> None:
    bounds = [band.lower for band in bands]
    if bounds[-1] is not None or any(bound is None for bound in bounds[:-1]):
        raise ValueError("every band but the last, worst one needs `from`, and only those")
    if any(high <= low for high, low in pairwise(bound for bound in bounds if bound is not None)):
        raise ValueError("bands go from the best to the worst: their bounds must fall")
    if len({band.band for band in bands}) < len(bands):
        raise ValueError("two bands have the same name")


def _check_names(policy: Policy) -> None:
    codes = [line.code for line in policy.characteristics] + [gate.code for gate in policy.gates]
    for code in {code for code in codes if codes.count(code) > 1}:
        raise ValueError(f"{code} is declared twice")
    for line in policy.characteristics:
        if line.group not in policy.groups:
            raise ValueError(f"{line.code}: there is no group {line.group!r}")
    for gate in policy.gates:
        if gate.ceiling not in {band.band for band in policy.bands}:
            raise ValueError(f"{gate.code}: there is no band {gate.ceiling!r}")


def _check_cap(policy: Policy, code: str, most_lost: float) -> None:
    """A capped group only takes points away, and at most one band's width of them."""
    for line in policy.characteristics:
        if line.group == code and max(line.woes) > 0:
            raise ValueError(f"{line.code}: a capped group gives no points, so woe is at most 0")
    bounds = [band.lower for band in policy.bands if band.lower is not None]
    narrowest = min((high - low for high, low in pairwise(bounds)), default=math.inf)
    if most_lost > narrowest:
        raise ValueError(
            f"group {code}: most_lost {most_lost} is more than the narrowest band ({narrowest})"
        )
