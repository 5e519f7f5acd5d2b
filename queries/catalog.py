"""The named queries: `*.cypher` files with a header, checked when loaded, run by name.

A header line is a comment `// word: …`: one `name`, one `purpose`, a `parameter` (name, type,
description) for each `$parameter` and a `row` (name, type, description) for each column. Parameter
types are text, texts, integer and kind; a parameter `kind` is a node kind and stands in the text as
`__kind__`, the only text that is ever put into a query. Column types are text, integer, number,
boolean, node and edge; node and edge columns are redacted to the reader's clearance by
`graph.access`, and a query that only counts or sums reads `$visible`, the markings within it. A
type written `type=value` gives the parameter a default.

A list gives only rows that exist for the reader; its column of type `hidden` says how many do not.
It is taken out of the rows and counted as nodes left out; where every row is hidden, the query
answers one row of it alone. Nothing orders, filters or pages by a property that is hidden.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, Protocol

from graph import access
from graph.ontology import EDGE_KINDS, NODE_KINDS
from queries.errors import CatalogError, ParameterError

Row = dict[str, Any]

_HEADER = re.compile(r"^// (\w+): (.+)$")
_LABEL = re.compile(r"\(\w*:(\w+)")
_TYPES = re.compile(r"\[\w*:([\w|]+)")
_PARAMETER = re.compile(r"\$(\w+)")
_STRING = re.compile(r"'[^']*'")
_PARTS = {"node": "nodes", "edge": "edges"}
_COLUMN_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "node": (dict,),
    "edge": (dict,),
    "hidden": (int,),
}
_PARAMETER_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "texts": (list, tuple),
    "integer": (int,),
    "kind": (str,),
}
#: Filled in for every query from the reader's clearance.
RESERVED = "visible"
KIND = "__kind__"


@dataclass(frozen=True)
class Field:
    """A parameter or a column of a named query."""

    name: str
    type: str
    description: str
    default: str | int | None = None


@dataclass(frozen=True)
class NamedQuery:
    """A query file. `counts` says why it may start without an index; empty for all others."""

    name: str
    purpose: str
    parameters: tuple[Field, ...]
    columns: tuple[Field, ...]
    cypher: str
    file: str
    counts: str = ""

    def prepare(self, parameters: Mapping[str, Any], clearance: str) -> tuple[str, dict[str, Any]]:
        """The text and parameters to send.

        Raises:
            ParameterError: one is missing, unknown or has the wrong type.
        """
        declared = {field.name: field for field in self.parameters}
        defaults = {f.name: f.default for f in self.parameters if f.default is not None}
        parameters = {**defaults, **parameters}
        for name in sorted(parameters.keys() - declared.keys()):
            raise ParameterError(
                f"query {self.name} has no parameter {name!r}",
                hint=f"it has {', '.join(declared) or 'none'}",
            )
        for name in sorted(declared.keys() - parameters.keys()):
            raise ParameterError(
                f"query {self.name} needs the parameter {name!r}", hint=declared[name].description
            )
        for name, value in parameters.items():
            self._check(declared[name], value)
        sent = {name: value for name, value in parameters.items() if declared[name].type != "kind"}
        text = self.cypher
        if KIND in text:
            text = text.replace(KIND, parameters["kind"])
        if f"${RESERVED}" in text:
            sent[RESERVED] = access.within(clearance)
        return text, sent

    def _check(self, field: Field, value: object) -> None:
        right = isinstance(value, _PARAMETER_TYPES[field.type]) and not isinstance(value, bool)
        if field.type == "kind":
            right = value in NODE_KINDS
        if not right:
            raise ParameterError(
                f"query {self.name}: {field.name}={value!r} is no {field.type}",
                hint=f"one of {', '.join(NODE_KINDS)}"
                if field.type == "kind"
                else field.description,
            )

    def redact(self, rows: Sequence[Row], clearance: str) -> tuple[list[Row], access.Redactions]:
        """The rows as the reader may see them; checks that they have the declared shape.

        Raises:
            CatalogError: a column is missing or has another type.
        """
        all_rows, names = rows, [column.name for column in self.columns]
        for row in rows:
            if sorted(row) != sorted(names):
                raise CatalogError(f"query {self.name} answers {sorted(row)}, not {names}")
            for column in self.columns:
                value = row[column.name]
                if value is not None and not isinstance(value, _COLUMN_TYPES[column.type]):
                    raise CatalogError(
                        f"query {self.name}: {column.name}={value!r} is no {column.type}"
                    )
        parts = {c.name: _PARTS[c.type] for c in self.columns if c.type in _PARTS}
        counters = [column.name for column in self.columns if column.type == "hidden"]
        if counters:
            rows = [row for row in rows if any(row[name] is not None for name in parts)]
        kept, redacted = access.redact_rows(rows, parts, clearance)
        redacted.nodes += max((row[name] or 0 for row in all_rows for name in counters), default=0)
        edges = [name for name, part in parts.items() if part == "edges"]
        return [_shown(row, counters, edges, clearance) for row in kept], redacted


def _shown(row: Row, counters: Sequence[str], edges: Sequence[str], clearance: str) -> Row:
    """The row without its counters; an edge's key, which may tell its day, goes with its other
    properties."""
    shown = {name: value for name, value in row.items() if name not in counters}
    for name in edges:
        link = shown[name]
        if link is not None and not access.visible(link.get("marking"), clearance):
            shown[name] = {**link, "key": None} if "key" in link else link
    return shown


@dataclass(frozen=True)
class Answer:
    """The rows of a named query and how much the clearance left out of them.

    `read` is the number of rows the server gave; `degree` how many there are in all and `reached`
    how many were read below the bound, where the query says so in a column `degree` or `read`.
    """

    rows: list[Row]
    redacted: access.Redactions
    read: int
    degree: int = 0
    reached: int = 0


class Reads(Protocol):
    """What the catalogue needs of the graph store."""

    def read(
        self,
        name: str,
        cypher: str,
        parameters: Mapping[str, Any],
        *,
        timeout: float | None = None,
    ) -> list[Row]:
        """Run a query."""


def load() -> Mapping[str, NamedQuery]:
    """Read and check every query file beside this module.

    Raises:
        CatalogError: a header is incomplete, a name is used twice, or a query names parameters,
            labels or types that are not declared.
    """
    found: dict[str, NamedQuery] = {}
    for file in _query_files(files("queries")):
        query = parse(file.read_text("utf-8"), file.name)
        if query.name in found:
            raise CatalogError(f"{file.name}: there is already a query {query.name}")
        found[query.name] = query
    return MappingProxyType(dict(sorted(found.items())))


def _query_files(folder: Traversable) -> list[Traversable]:
    entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    own = [entry for entry in entries if entry.name.endswith(".cypher")]
    return own + [
        file
        for entry in entries
        if entry.is_dir() and not entry.name.startswith(("_", "."))
        for file in _query_files(entry)
    ]


def parse(text: str, file: str) -> NamedQuery:
    """Read and check one query file.

    Raises:
        CatalogError: see `load`.
    """
    header: dict[str, list[str]] = {}
    body: list[str] = []
    for line in text.splitlines():
        match = _HEADER.match(line)
        if match:
            header.setdefault(match[1], []).append(match[2])
        else:
            body.append(line)
    for word in ("name", "purpose", "row"):
        if word not in header:
            raise CatalogError(f"{file}: the header has no line `// {word}:`")
    query = NamedQuery(
        header["name"][0],
        header["purpose"][0],
        tuple(_field(line, _PARAMETER_TYPES, file) for line in header.get("parameter", ())),
        tuple(_field(line, _COLUMN_TYPES, file) for line in header["row"]),
        "\n".join(body).strip(),
        file,
        header.get("counts", [""])[0],
    )
    _check(query)
    return query


def _field(line: str, types: Mapping[str, tuple[type, ...]], file: str) -> Field:
    name, given, description = [*line.split(maxsplit=2), "", ""][:3]
    type_, equals, default = given.partition("=")
    if not description or type_ not in types or (type_ == "integer" and equals and not default):
        raise CatalogError(f"{file}: {line!r} is not a name, a type of {list(types)} and a text")
    if not equals:
        return Field(name, type_, description)
    return Field(name, type_, description, int(default) if type_ == "integer" else default)


def _check(query: NamedQuery) -> None:
    text = _STRING.sub("''", query.cypher)
    used = set(_PARAMETER.findall(text)) - {RESERVED} | ({"kind"} if KIND in text else set())
    declared = {field.name for field in query.parameters}
    if used != declared:
        raise CatalogError(f"{query.file}: parameters {sorted(used ^ declared)} do not match")
    for label in _LABEL.findall(text):
        if label not in NODE_KINDS and label != KIND:
            raise CatalogError(f"{query.file}: the ontology has no node kind {label}")
    for types in _TYPES.findall(text):
        for name in types.split("|"):
            if name not in EDGE_KINDS:
                raise CatalogError(f"{query.file}: the ontology has no edge kind {name}")
    for column in query.columns:
        if not re.search(rf"\b{column.name}\b", text):
            raise CatalogError(f"{query.file}: nothing returns {column.name}")


CATALOG = load()


def named(name: str) -> NamedQuery:
    """The query with this name.

    Raises:
        ParameterError: there is none.
    """
    if name not in CATALOG:
        raise ParameterError(f"there is no query {name!r}", hint=f"use one of {', '.join(CATALOG)}")
    return CATALOG[name]


def ask(
    store: Reads,
    name: str,
    parameters: Mapping[str, Any],
    *,
    clearance: str = access.HIGHEST,
    timeout: float | None = None,
) -> Answer:
    """Run a named query as a reader with this clearance.

    Raises:
        ParameterError: there is no such query, or a parameter is wrong.
        GraphStoreError: the server refused or failed.
    """
    query = named(name)
    cypher, sent = query.prepare(parameters, clearance)
    rows = store.read(name, cypher, sent, timeout=timeout)
    kept, redacted = query.redact(rows, clearance)
    degree, reached = (
        max((row.get(column) or 0 for row in rows), default=0) for column in ("degree", "read")
    )
    return Answer(kept, redacted, len(rows), degree, reached)


def run(
    store: Reads, name: str, *, clearance: str = access.HIGHEST, **parameters: Any
) -> list[Row]:
    """The rows of a named query as a reader with this clearance may see them; see `ask`."""
    return ask(store, name, parameters, clearance=clearance).rows
