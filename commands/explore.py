"""Questions to a data folder: search, portrait, paths, owners and named queries."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from commands import output, stages, words
from graph.errors import NotFound
from graph.ontology import NODE_KINDS
from graph.settings import Settings

#: The two parties of a step.
ENDS = ("from", "to")

if TYPE_CHECKING:
    import hawser
    from queries.catalog import NamedQuery


def search(
    settings: Settings, text: str, *, kind: str | None, limit: int, progress: output.Report
) -> dict[str, Any]:
    """Nodes by name or identifier. Keys: results (id, kind, name, score, reason), redacted (whether
    any name is above the clearance)."""
    if kind is not None and kind not in NODE_KINDS:
        raise NotFound(f"there is no kind {kind!r}", hint=f"one of {', '.join(NODE_KINDS)}")
    stages.index(settings, progress)
    with _opened(settings) as data:
        found = data.index.search(text, limit, clearance=settings.clearance, kind=kind)
    return {"results": [hit.as_dict() for hit in found.results], "redacted": found.redacted}


def portrait(
    settings: Settings, id: str, *, as_of: date | None, snapshot: str | None
) -> dict[str, Any]:
    """An enterprise's portrait. Keys: enterprise, one a section, as_of, snapshot."""
    with _opened(settings, snapshot) as data:
        return data.portrait(id, as_of=as_of)


def paths(settings: Settings, id: str, *, limit: int, snapshot: str | None) -> dict[str, Any]:
    """Risk paths. Keys: those of `RiskPaths.as_dict`; each step also has its `document`."""
    with _opened(settings, snapshot) as data:
        return words.with_documents(settings, data.paths(id, limit=limit))


def owners(settings: Settings, id: str, *, snapshot: str | None) -> dict[str, Any]:
    """Owners. Keys: those of `Ownership.as_dict`; each step also has its `document`."""
    with _opened(settings, snapshot) as data:
        return words.with_documents(settings, data.owners(id))


def connections(
    settings: Settings, ends: tuple[str, str], *, limit: int, snapshot: str | None
) -> dict[str, Any]:
    """How two parties are tied. Keys: those of `Connections.as_dict`; each step also has its
    `document`."""
    with _opened(settings, snapshot) as data:
        return words.with_documents(settings, data.connections(*ends, limit=limit))


def english(settings: Settings, found: Mapping[str, Any]) -> dict[str, str]:
    """The English names of all parties on an answer's paths or chains, by id."""
    chains = found.get("paths") or [
        chain for owner in found.get("owners", ()) for chain in owner["chains"]
    ]
    named = {found.get("source"), found["target"]}
    ids = {*named, *(hop[end] for c in chains for hop in c["hops"] for end in ENDS)}
    with _opened(settings, found["snapshot"]) as data:
        return words.english(data.snapshot, ids - {None}, settings.clearance)


def query(settings: Settings, name: str, parameters: Sequence[str]) -> dict[str, Any]:
    """A named query's rows, or the catalogue when no name is given.

    Keys: query, rows, redacted; or queries (name, parameters, purpose).
    """
    from queries.catalog import CATALOG, ask, named

    if not name:
        return {"queries": [_declared(query) for query in CATALOG.values()]}
    types = {field.name: field.type for field in named(name).parameters}
    given = {
        key: _typed(types.get(key, "text"), value)
        for key, value in output.pairs(parameters).items()
    }
    with _opened(settings) as data:
        answer = ask(data.store, name, given, clearance=settings.clearance)
    return {"query": name, "rows": answer.rows, "redacted": answer.redacted.as_dict()}


def show_query(found: Mapping[str, Any]) -> None:
    """Print an answer of `query`; of nodes and edges what tells, `--json` has the rest."""
    rows = [
        {name: brief(value) if len(row) > 1 else value for name, value in row.items()}
        for row in found.get("rows", ())
    ]
    output.show(output.plain({**found, "rows": rows} if rows else found))


def brief(value: Any) -> Any:
    """A node as its kind, names and id, an edge as its period and record, all else as it is."""
    if not isinstance(value, Mapping) or ("record" not in value and "id" not in value):
        return value
    if "id" not in value:
        return f"{words.period(value).removeprefix(', ')} record {value['record']}".strip()
    name = value.get("name") or value.get("text")
    who = words.called(name, value["id"], value.get("name_en"))
    return f"{value.get('kind') or ''} {who}".strip()


def _opened(settings: Settings, snapshot: str | None = None) -> "hawser.Data":
    """The data folder. What reads it is loaded once there is something to read: a refusal is
    told at once. Raises `SettingsError` if there is no data."""
    settings.require_data()
    import hawser

    return hawser.Data(settings, snapshot)


def _declared(query: "NamedQuery") -> dict[str, Any]:
    parameters = [f"{field.name} ({field.type})" for field in query.parameters]
    return {"name": query.name, "parameters": parameters, "purpose": query.purpose}


def _typed(type: str, text: str) -> str | int | list[str]:
    """A parameter's text as its declared type; `texts` are separated by semicolons."""
    if type == "texts":
        return text.split(";")
    return int(text) if type == "integer" and text.lstrip("-").isdigit() else text
