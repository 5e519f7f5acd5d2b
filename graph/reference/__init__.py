"""Code lists, as plain facts: countries (ISO 3166), currencies (ISO 4217), places (UN/LOCODE).

`locodes.txt` is the UNECE list (edition 2024-2, gaps filled from those of 2021 and 2013) with the
ports that the World Port Index (US NGA) and LINERLIB know beside it: a line a country, the
three-character place codes one after the other. `countries.csv` has also Kosovo under the
user-assigned code XK, as customs statistics do. A country that the place list leaves out
(`countries_without_places`) cannot be checked beyond the form of the code.
"""

import csv
from functools import cache
from importlib.resources import files
from types import MappingProxyType


def _text(name: str) -> str:
    return files("graph.reference").joinpath(name).read_text(encoding="utf-8")


@cache
def _rows() -> tuple[dict[str, str], ...]:
    return tuple(csv.DictReader(_text("countries.csv").splitlines()))


@cache
def countries() -> MappingProxyType[str, str]:
    """Country codes of two letters to English names."""
    return MappingProxyType({row["alpha2"]: row["name"] for row in _rows()})


@cache
def country_codes() -> MappingProxyType[str, str]:
    """Country codes of three letters to those of two."""
    return MappingProxyType({row["alpha3"]: row["alpha2"] for row in _rows()})


@cache
def country_names() -> MappingProxyType[str, str]:
    """English country names, official and usual ones, case folded, to codes of two letters."""
    names = {}
    for row in _rows():
        for name in (row["name"], *filter(None, row["other_names"].split(";"))):
            names[name.casefold()] = row["alpha2"]
    return MappingProxyType(names)


@cache
def currencies() -> frozenset[str]:
    """Currency codes of ISO 4217, withdrawn ones of the last ten years included."""
    return frozenset(_text("currencies.txt").split())


@cache
def locodes() -> frozenset[str]:
    """Every UN/LOCODE, five characters each."""
    codes: set[str] = set()
    for line in _text("locodes.txt").splitlines():
        country, places = line.split(" ")
        codes.update(country + places[at : at + 3] for at in range(0, len(places), 3))
    return frozenset(codes)


@cache
def countries_without_places() -> frozenset[str]:
    """Countries of which the place list has nothing."""
    return frozenset(countries()) - {code[:2] for code in locodes()}
