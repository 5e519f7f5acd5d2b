"""Put a folder in the place of another so that there is one at every moment."""

import ctypes
import os
from pathlib import Path

#: Of Linux's fcntl.h and fs.h: paths are relative to the working folder; swap the two names.
_HERE, _EXCHANGE = -100, 2


def replace(written: Path, place: Path) -> None:
    """Move the folder `written` to `place`. What was there is left at `written`.

    One step where the system can exchange two names (Linux); elsewhere a process killed between two
    steps leaves nothing at `place`. Raises `OSError` when the folder cannot be moved.
    """
    if not place.exists():
        written.rename(place)
    elif not _exchanged(written, place):
        before = place.rename(written.with_name(f"{written.name}-before"))
        written.rename(place)
        before.rename(written)


def _exchanged(first: Path, second: Path) -> bool:
    """Whether two names could be exchanged: see renameat2(2)."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE) == 0)
