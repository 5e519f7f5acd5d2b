"""Identifiers with check characters, made for many at once.

USCC: GB 32100-2015 (modulus 31, weights 3^i mod 31) over an organisation code of GB 11714-1997
(modulus 11). IMO ship number: weights 7 to 2, last digit. Container: ISO 6346 (modulus 11).
Identity number: GB 11643-1999, ISO 7064 MOD 11-2.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ingest.world.arrays import Ints
from ingest.world.policy import WorldError

_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_DIGITS36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION = "0123456789ABCDEF"
Bytes = NDArray[np.uint8]


def _values(alphabet: str) -> Ints:
    table = np.zeros(128, dtype=np.int64)
    for value, letter in enumerate(alphabet):
        table[ord(letter)] = value
    return table


def _letters(alphabet: str) -> Bytes:
    return np.frombuffer(alphabet.encode(), dtype=np.uint8)


def _spell(numbers: Ints, alphabet: str, width: int) -> Bytes:
    """Numbers written in the alphabet's base, one row of ASCII codes each."""
    base = len(alphabet)
    powers = base ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return np.asarray(_letters(alphabet)[(numbers[:, None] // powers) % base], dtype=np.uint8)


def _column(rows: Bytes) -> pl.Series:
    """Rows of ASCII codes as a text column."""
    packed = np.ascontiguousarray(rows).view(f"S{rows.shape[1]}").ravel()
    return pl.Series(packed.astype(f"U{rows.shape[1]}"), dtype=pl.String)


def unique_numbers(rng: np.random.Generator, size: int, below: int) -> Ints:
    """`size` different numbers in random order. Raises `WorldError` if there are not so many."""
    if size > below:
        raise WorldError(f"{size} identifiers are wanted but only {below} exist")
    return rng.choice(below, size, replace=False).astype(np.int64)


def uscc(rng: np.random.Generator, regions: Ints) -> pl.Series:
    """A valid unified social credit code for each six-digit region."""
    size = len(regions)
    numbers = unique_numbers(rng, size, len(_ORGANISATION) ** 6)
    head = np.tile(_letters("91"), (size, 1))
    prefix = np.tile(_letters("MA"), (size, 1))
    organisation = np.hstack([prefix, _spell(numbers, _ORGANISATION, 6)])
    weights = np.array([3, 7, 9, 10, 5, 8, 4, 2])
    check = (11 - _values(_DIGITS36)[organisation] @ weights % 11) % 11
    organisation = np.hstack([organisation, _letters("0123456789X")[check][:, None]])
    body = np.hstack([head, _spell(regions, "0123456789", 6), organisation])
    powers = np.array([pow(3, i, 31) for i in range(17)])
    last = (31 - _values(_USCC)[body] @ powers % 31) % 31
    return _column(np.hstack([body, _letters(_USCC)[last][:, None]]))


def customs_code(rng: np.random.Generator, regions: Ints, nature: Ints) -> pl.Series:
    """Ten characters: four of the region, the zone, the kind of enterprise, a serial of four."""
    size = len(regions)
    zone = rng.choice([1, 2, 3, 5, 9], size, p=[0.1, 0.1, 0.1, 0.1, 0.6])
    head = (regions // 100) * 100 + zone * 10 + nature
    serial = unique_numbers(rng, size, 36**4)
    return _column(np.hstack([_spell(head, "0123456789", 6), _spell(serial, _DIGITS36, 4)]))


def imo(rng: np.random.Generator, size: int) -> pl.Series:
    """Seven digits, the last one the sum of the others weighted 7 to 2, modulus 10."""
    body = _spell(400_000 + unique_numbers(rng, size, 100_000), "0123456789", 6)
    check = (body.astype(np.int64) - 48) @ np.arange(7, 1, -1) % 10
    return _column(np.hstack([body, (check + 48).astype(np.uint8)[:, None]]))


def containers(rng: np.random.Generator, size: int) -> pl.Series:
    """ISO 6346 numbers: owner code, U, six digits and the check digit."""
    owners = ("HWSU", "ORBU", "LNTU", "QZMU", "KVEU")
    owner = np.array([list(code.encode()) for code in owners], dtype=np.uint8)
    body = np.hstack(
        [
            owner[rng.integers(0, len(owners), size)],
            _spell(unique_numbers(rng, size, 1_000_000), "0123456789", 6),
        ]
    )
    letters = [value for value in range(10, 39) if value % 11]
    table = np.zeros(128, dtype=np.int64)
    table[48:58] = np.arange(10)
    table[65:91] = letters[:26]
    check = table[body] @ (2 ** np.arange(10)) % 11 % 10
    return _column(np.hstack([body, (check + 48).astype(np.uint8)[:, None]]))


def identity_number(rng: np.random.Generator, birth: pl.Series) -> pl.Series:
    """Eighteen characters in region 999999, which is not assigned, so that nobody is meant."""
    size = len(birth)
    day = birth.dt.strftime("%Y%m%d").cast(pl.Int64).to_numpy()
    body = np.hstack(
        [
            np.tile(_letters("999999"), (size, 1)),
            _spell(day, "0123456789", 8),
            _spell(rng.integers(0, 1000, size), "0123456789", 3),
        ]
    )
    weights = np.array([pow(2, 17 - i, 11) for i in range(17)])
    check = (12 - (body.astype(np.int64) - 48) @ weights % 11) % 11
    return _column(np.hstack([body, _letters("0123456789X")[check][:, None]]))
