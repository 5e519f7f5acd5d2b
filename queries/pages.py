"""Pages of lists and their cursors."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graph import access
from queries.catalog import Row
from queries.errors import ParameterError


@dataclass(frozen=True)
class Page:
    """A page of a section's rows."""

    rows: list[Row]
    next: str | None = None
    redacted: access.Redactions = field(default_factory=access.Redactions)
    partial: bool = False

    def map(self, change: Callable[[Row], Row]) -> "Page":
        """The page with every row changed."""
        return replace(self, rows=[change(row) for row in self.rows])

    def as_dict(self) -> dict[str, Any]:
        """Keys: rows, next, redacted, partial."""
        return {
            "rows": self.rows,
            "next": self.next,
            "redacted": self.redacted.as_dict(),
            "partial": self.partial,
        }


def after(cursor: str | None) -> int:
    """The number of rows before the page that the cursor leads to. Raises `ParameterError`."""
    key = decode(cursor, 1)[0] if cursor else "0"
    if not (key.isascii() and key.isdigit() and len(key) < 9):
        raise ParameterError(f"after={key[:40]!r} is no cursor of this list")
    return int(key)


def following(offset: int, limit: int, *, more: bool) -> str | None:
    """The cursor of the next page, None when there are no more rows."""
    return encode([str(offset + limit)]) if more else None


def cut(
    rows: list[Row], limit: int, cursor: str | None, redacted: access.Redactions, partial: bool
) -> Page:
    """A page of a short list that is read whole."""
    offset = after(cursor)
    following_page = following(offset, limit, more=len(rows) > offset + limit)
    return Page(rows[offset : offset + limit], following_page, redacted, partial)


def encode(keys: Sequence[str]) -> str:
    """A cursor. It holds a number of rows and nothing of what is in them."""
    return base64.urlsafe_b64encode(json.dumps(list(keys)).encode()).decode()


def decode(cursor: str, parts: int) -> list[str]:
    """The key in a cursor.

    Raises:
        ParameterError: it is no cursor of this list.
    """
    try:
        keys = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, binascii.Error, RecursionError):
        keys = None
    if (
        not isinstance(keys, list)
        or len(keys) != parts
        or not all(isinstance(key, str) for key in keys)
    ):
        raise ParameterError(
            f"after={cursor[:40]!r} is no cursor of this list", hint="use the `next` of a page"
        )
    return keys
