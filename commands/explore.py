"""Questions to a data folder: search, portrait, paths, owners and named queries."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import hawser
from commands import output, stages
from graph.errors import NotFound
from graph.ontology import EDGE_KINDS, NODE_KINDS
from graph.settings import Settings

#: What the printed portrait leaves out; `--json` has it.
_UNSHOWN = ("redacted", "next", "sort_key", "partial")

#: The sections of a portrait in the order they are shown.
SECTIONS = (
    "registration", "grade", "risk", "credit", "related", "clearance", "commodities", "prices",
)  # fmt: skip

if TYPE_CHECKING:
    from queries.catalog import NamedQuery


def search(
    settings: Settings, text: str, *, kind: str | None, limit: int, progress: output.Report
) -> dict[str, Any]:
    """Nodes by name or identifier. Keys: results (id, kind, name, score, reason), redacted."""
    if kind is not None and kind not in NODE_KINDS:
        raise NotFound(f"there is no kind {kind!r}", hint=f"one of {', '.join(NODE_KINDS)}")
    stages.index(settings, progress)
    with hawser.Data(settings) as data:
        found = data.index.search(text, limit, clearance=settings.clearance, kind=kind)
    return {"results": [hit.as_dict() for hit in found.results], "redacted": found.redacted}


def portrait(
    settings: Settings, id: str, *, as_of: date | None, snapshot: str | None
) -> dict[str, Any]:
    """An enterprise's portrait. Keys: enterprise, one a section, as_of, snapshot."""
    with hawser.Data(settings, snapshot) as data:
        return data.portrait(id, as_of=as_of)


def paths(settings: Settings, id: str, *, limit: int, snapshot: str | None) -> dict[str, Any]:
    """Risk paths. Keys: those of `RiskPaths.as_dict`."""
    with hawser.Data(settings, snapshot) as data:
        return data.paths(id, limit=limit)


def owners(settings: Settings, id: str, *, snapshot: str | None) -> dict[str, Any]:
    """Owners. Keys: those of `Ownership.as_dict`."""
    with hawser.Data(settings, snapshot) as data:
        return data.owners(id)


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
    with hawser.Data(settings) as data:
        answer = ask(data.store, name, given, clearance=settings.clearance)
    return {"query": name, "rows": answer.rows, "redacted": answer.redacted.as_dict()}


def _declared(query: "NamedQuery") -> dict[str, Any]:
    parameters = [f"{field.name} ({field.type})" for field in query.parameters]
    return {"name": query.name, "parameters": parameters, "purpose": query.purpose}


def _typed(type: str, text: str) -> str | int | list[str]:
    """A parameter's text as its declared type; `texts` are separated by semicolons."""
    if type == "texts":
        return text.split(";")
    return int(text) if type == "integer" and text.lstrip("-").isdigit() else text


def path_lines(path: dict[str, Any]) -> list[str]:
    """A path in words: who it starts from and why, then one line a step with its evidence."""
    if path["contribution"] is None:
        lines = ["a path that your clearance does not show whole:"]
    else:
        source = _called(path["source_name"], path["source"])
        lines = [f"{path['contribution']:.3f}  from {source} ({path['reason']}: {path['cause']})"]
    return [*lines, *map(hop_line, path["hops"])]


def hop_line(hop: dict[str, Any]) -> str:
    """One step in words, with its dates and its record."""
    since = f" since {hop['valid_from']}" if hop["valid_from"] else ""
    until = f" until {hop['valid_to']}" if hop["valid_to"] else ""
    ends = (_called(hop["from_name"], hop["from"]), _called(hop["to_name"], hop["to"]))
    evidence = f" [record {hop['evidence']}]" if hop["evidence"] else ""
    return f"       {ends[0]} {_kind(hop['kind'])} {ends[1]}{since}{until}{evidence}"


def _kind(name: str) -> str:
    """An edge kind or its inverse with its Chinese name."""
    for kind in EDGE_KINDS.values():
        if name in (kind.name, kind.inverse):
            chinese = kind.chinese if name == kind.name else kind.chinese_inverse
            return f"{name} {chinese}"
    return name


def _called(name: str | None, id: str | None) -> str:
    if id is None:
        return "(hidden)"
    return f"{name} ({id})" if name else id


def show_owners(found: dict[str, Any]) -> None:
    """Print owners, each with its best chain of holdings in words."""
    output.show({key: item for key, item in found.items() if key != "owners"})
    for owner in found["owners"]:
        held = f"{owner['share']:.1%}" + (
            f", {owner['direct']:.1%} direct" if owner["direct"] else ""
        )
        marks = [word for word in ("controls", "ultimate") if owner[word]]
        line = f"\n{_called(owner['name'], owner['id'])}: {', '.join([held, *marks])}"
        output.answer().print(line, markup=False, soft_wrap=True)
        for hop in owner["chains"][0]["hops"] if owner["chains"] else ():
            output.answer().print(hop_line(hop), markup=False, soft_wrap=True)


def show_paths(found: dict[str, Any]) -> None:
    """Print risk paths in words."""
    rest = found["remainder"]
    said = [
        f"{found['target']}: influence {found['influence']:.3f} (influence is not guilt), "
        f"snapshot {found['snapshot']}, policy {found['policy']}",
        *(line for path in found["paths"] for line in path_lines(path)),
    ]
    if rest["count"]:
        said.append(f"{rest['contribution']:.3f}  from {rest['count']} more paths")
    if found["skipped_hubs"]:
        said.append(f"{found['skipped_hubs']} hubs were not walked through")
    if found["partial"]:
        said.append("The search reached its limit: there may be more paths.")
    if not found["paths"]:
        said.append("No path from a penalised or listed party within reach.")
    for line in said:
        output.answer().print(line, markup=False, soft_wrap=True)


def show_portrait(found: dict[str, Any]) -> None:
    """Print a portrait: each section's own values as lines, its lists as tables."""
    who = found["enterprise"]
    names = ", ".join(name for name in (who["name"], who["name_en"]) if name)
    output.answer().print(
        f"{names} ({who['id']}, {who['country']}), as of {found['as_of']}, "
        f"snapshot {found['snapshot']}",
        style="bold",
        markup=False,
        soft_wrap=True,
    )
    for section in SECTIONS:
        for title, content in _sections(section, found.get(section)):
            _show_section(title, content)
    hidden = _hidden(found)
    if hidden:
        output.answer().print(f"\n{hidden} parts are above the clearance and not shown")


def _hidden(part: Any) -> int:
    """How much the clearance hides, in a portrait and all its sections."""
    if not isinstance(part, Mapping):
        return 0
    counts = part.get("redacted")
    own = sum(counts.values()) if isinstance(counts, Mapping) else 0
    return own + sum(_hidden(item) for name, item in part.items() if name != "redacted")


def _sections(name: str, content: Any) -> list[tuple[str, Any]]:
    """A section and the sections in it (those that hold rows or values of their own)."""
    if not isinstance(content, Mapping):
        return [(name, content)]
    content = {key: item for key, item in content.items() if key not in _UNSHOWN}
    inner = {key: item for key, item in content.items() if isinstance(item, Mapping)}
    lists = {key: item for key, item in inner.items() if "rows" in item}
    own = {key: item for key, item in content.items() if key not in lists}
    parts = [(name, own)] if own else []
    return [*parts, *((f"{name}: {key}", item) for key, item in lists.items())]


def _show_section(title: str, content: Any) -> None:
    if not isinstance(content, Mapping) or not content.get("rows", content):
        output.answer().print(f"\n{title}: none", style="bold", markup=False)
        return
    if "rows" in content:
        rows = [_flat(row) for row in content["rows"]]
        columns = list(dict.fromkeys(key for row in rows for key in row))
        output.table(title, columns, ([row.get(key) for key in columns] for row in rows))
        return
    output.table(title, ("", ""), _flat(content).items())


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row's own values; evidence as its record, linked parties by name, paths as their number."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if key in _UNSHOWN or value in (None, []):
            continue
        if isinstance(value, Mapping):
            flat[key] = (
                value.get("name") or value.get("record") or value.get("text") or value.get("id")
            )
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            flat[key] = [item.get("en") or item.get("id") or "…" for item in value]
        else:
            flat[key] = value
    return {key: value for key, value in flat.items() if value is not None}
