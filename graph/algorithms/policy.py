"""How risk travels: strengths, limits and the weights of what starts it, as checked data."""

import hashlib
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import yaml

from graph.algorithms.network import LinkPolicy
from graph.algorithms.paths import Limits
from graph.errors import OntologyError
from graph.ontology import EDGE_KINDS, NODE_KINDS

POLICY_FILE = Path(__file__).with_name("propagation_v1.yml")


@dataclass(frozen=True)
class SeedRule:
    """Nodes of `kind` whose properties equal `where` start risk of this `weight`; it halves every
    `half_life_days` (0: never) from the day in `since`, and ends on the day in `until`."""

    name: str
    chinese: str
    kind: str
    where: tuple[tuple[str, str], ...]
    weight: float
    since: str
    half_life_days: float
    until: str = ""


@dataclass(frozen=True)
class PropagationPolicy:
    """Everything that decides an influence, as data. `id` names it in answers.

    `found` are the links from a violator to the other parties of the shipment; `responsible` the
    roles for which a violation counts whose finding names nobody.
    """

    name: str
    damping: float
    former: float
    limits: Limits
    links: tuple[LinkPolicy, ...]
    found: tuple[LinkPolicy, ...]
    seeds: tuple[SeedRule, ...]
    responsible: tuple[str, ...]
    digest: str = ""

    @property
    def id(self) -> str:
        """Name and hash of the content."""
        return f"{self.name}@{self.digest}"

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles in a shipment through which a violator is tied to the others in it."""
        ways = ("FOUND_AGAINST", "FOUND_IN")
        return tuple(link.kind for link in self.found if link.kind not in ways)


@lru_cache(maxsize=8)
def load_policy(path: Path = POLICY_FILE) -> PropagationPolicy:
    """Read and check a policy file.

    Raises:
        OntologyError: it names unknown kinds or properties, no role, or a strength outside 0 to 1.
    """
    text = path.read_text(encoding="utf-8")
    raw = yaml.safe_load(text)
    limits = {field.name: raw[field.name] for field in fields(Limits)}
    policy = PropagationPolicy(
        raw["name"],
        float(raw["damping"]),
        float(raw["former"]),
        Limits(**limits),
        tuple(LinkPolicy(**link) for link in raw["links"]),
        tuple(LinkPolicy(**link) for link in raw["found"] or ()),
        tuple(SeedRule(**{**rule, "where": tuple(rule["where"].items())}) for rule in raw["seeds"]),
        tuple(raw["responsible"] or ()),
        hashlib.sha256(text.encode()).hexdigest()[:12],
    )
    _check(policy, path)
    return policy


def _check(policy: PropagationPolicy, path: Path) -> None:
    links = (*policy.links, *policy.found)
    for kind in (*(link.kind for link in links), *policy.responsible):
        if kind not in EDGE_KINDS:
            raise OntologyError(f"{path.name}: no edge kind {kind}")
    for part, named in (("found", policy.roles), ("responsible", policy.responsible)):
        ends = {end for kind in named for _, end in EDGE_KINDS[kind].endpoints}
        if ends != {"Shipment"}:
            raise OntologyError(f"{path.name}: `{part}` must name roles in shipments, as IMPORTED")
    shares = [policy.damping, policy.former, *(rule.weight for rule in policy.seeds)]
    shares += [share for link in links for share in (link.forward, link.backward)]
    if not all(0 <= share <= 1 for share in shares):
        raise OntologyError(f"{path.name}: strengths, weights and damping lie between 0 and 1")
    for rule in policy.seeds:
        known = {prop.name for prop in NODE_KINDS[rule.kind].properties}
        for name in (*(name for name, _ in rule.where), rule.since, *filter(None, [rule.until])):
            if name not in known:
                raise OntologyError(f"{path.name}: {rule.kind} has no property {name}")
