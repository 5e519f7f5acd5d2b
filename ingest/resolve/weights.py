"""The weights of the comparison, read from `weights.yml` and checked."""

from functools import cache
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from graph.errors import HawserError

FILE = Path(__file__).parent / "weights.yml"


class ResolveError(HawserError):
    """Identities cannot be resolved with what is there."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Step(_Part):
    """Similarities from `from` up weigh `weight`."""

    lower: float = Field(alias="from", ge=0, le=1)
    weight: float


class Comparison(_Part):
    """Weights of one kind of pair, in natural log odds; identifiers decide by themselves."""

    bias: float
    similarity: tuple[Step, ...] = Field(min_length=1)
    same: dict[str, float] = {}
    different: dict[str, float] = {}
    identifiers: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        bounds = [step.lower for step in self.similarity]
        if bounds != sorted(bounds, reverse=True) or bounds[-1] != 0:
            raise ValueError("the steps of similarity must fall, down to 0")
        return self


class Weights(_Part):
    """All weights: the score from which a pair is shown to a person, the largest block."""

    unsure: float = Field(gt=0, lt=1)
    largest_block: int = Field(ge=2)
    Enterprise: Comparison
    Person: Comparison
    ListEntry: Comparison

    def of(self, kind: str) -> Comparison:
        """The weights of pairs whose right side is of this kind."""
        found: Comparison = getattr(self, kind)
        return found


@cache
def load_weights(path: Path = FILE) -> Weights:
    """Read the weights. Raises `ResolveError` in one line when the file is wrong."""
    try:
        return Weights.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError) as error:
        raise ResolveError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ResolveError(f"{path.name}: {place}: {first['msg']}") from error
