"""From the id of a record to the document: which file, row and batch said so."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from graph import access

Row = dict[str, Any]


class Records(Protocol):
    """What is needed of the lake."""

    def records(self, ids: Sequence[str]) -> pa.Table:
        """Where the records were read from: record, table, source, file, row, batch, marking."""


def documents(lake: Records, ids: Iterable[str], clearance: str = access.HIGHEST) -> dict[str, Row]:
    """The records the reader may see, by id. One read of the lake for all of them."""
    wanted = sorted(set(ids))
    rows = lake.records(wanted).to_pylist() if wanted else []
    return {row["record"]: row for row in rows if access.visible(row["marking"], clearance)}


def attach(lake: Records, answer: Row, clearance: str = access.HIGHEST) -> Row:
    """An answer of paths or owners whose steps also have a `document`: the record's table, source,
    file, row and batch, or None where there is none for the reader."""
    found = documents(lake, _mentioned(answer), clearance)
    result: Row = _with_documents(answer, found)
    return result


def _mentioned(part: Any) -> Iterable[str]:
    """The record ids of all steps within."""
    if isinstance(part, Mapping):
        if isinstance(part.get("evidence"), str):
            yield part["evidence"]
        for value in part.values():
            yield from _mentioned(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _mentioned(value)


def _with_documents(part: Any, found: Mapping[str, Row]) -> Any:
    if isinstance(part, Mapping):
        whole = {name: _with_documents(value, found) for name, value in part.items()}
        if "evidence" in part and not isinstance(part["evidence"], Mapping):
            whole["document"] = found.get(part["evidence"])
        return whole
    if isinstance(part, list | tuple):
        return [_with_documents(value, found) for value in part]
    return part
