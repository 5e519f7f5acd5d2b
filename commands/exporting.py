"""`hawser export`: a snapshot's nodes and edges, with scores and grades, as files."""

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pyarrow as pa

from commands import output
from commands.output import Report
from commands.words import say
from graph import access
from graph.errors import HawserError, NotFound
from graph.settings import NEIGHBOURHOOD_LIMIT, Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from graph.snapshot import Snapshot

FORMATS = ("csv", "parquet", "graphml")
#: Bytes; file systems allow 255, the ending included.
_LONGEST_NAME = 200
#: Hubs of a neighbourhood whose ids are told.
HUBS = 20
#: Keys that are told in a sentence.
_SAID = frozenset({"limit", "partial", "skipped_hubs", "hubs"})


@dataclass(frozen=True)
class Wanted:
    """What to write where."""

    folder: Path
    format: str
    around: str | None
    hops: int
    snapshot: str | None
    #: Most nodes of the neighbourhood; as `hawser.Data.neighbourhood` has it, if None.
    limit: int | None = None


def export(settings: Settings, wanted: Wanted, progress: Report) -> dict[str, Any]:
    """Write the files, as far as the clearance of the settings goes.

    Keys: folder, snapshot, files (each, as it is called in the folder, to its number of rows),
    redacted (what the clearance hides) and withheld (scores and grades that rest on something above
    the clearance); of a neighbourhood also nodes, limit, partial (it was cut at the limit),
    skipped_hubs (nodes that were not walked through) and hubs (the ids of the first of them).
    """
    from graph.snapshot import open_snapshot

    if wanted.format not in FORMATS:
        raise HawserError(f"no format {wanted.format!r}", hint=f"one of {', '.join(FORMATS)}")
    snapshot = open_snapshot(settings, wanted.snapshot)
    wanted.folder.mkdir(parents=True, exist_ok=True)
    done: dict[str, Any] = {"folder": wanted.folder, "snapshot": snapshot.id}
    if wanted.around or wanted.format == "graphml":
        return done | _neighbourhood(settings, snapshot, wanted)
    return done | _whole(settings, snapshot, wanted, progress)


def _whole(
    settings: Settings, snapshot: "Snapshot", wanted: Wanted, progress: Report
) -> dict[str, Any]:
    files: dict[str, int] = {}
    counts = access.Redactions()
    told = Documents(settings)
    kinds = [*snapshot.node_counts, *snapshot.edge_counts]
    for position, kind in enumerate(kinds):
        progress(kind, position / len(kinds))
        group, read = ("nodes", nodes) if kind in snapshot.node_counts else ("edges", edges)
        table = told.named(read(snapshot, kind, settings.clearance, counts))
        if table.num_rows:
            files |= write(table, wanted, f"{group}/{kind}")
    concluded = results(settings, snapshot)
    shown = access.visible(access.concluded(snapshot.highest_marking), settings.clearance)
    for name, table in concluded.items() if shown else ():
        files |= write(table, wanted, name)
    withheld = [] if shown else sorted(concluded)
    return {"files": files, "redacted": counts.as_dict(), "withheld": withheld}


class Documents:
    """Where records that the clearance reaches were read from, looked up once for all tables."""

    def __init__(self, settings: Settings, ids: list[str] | None = None) -> None:
        """Read the documents of these records, without `ids` of all. O(records)."""
        import pandas as pd
        import pyarrow.compute as pc

        from graph.store.lake import Lake

        with Lake(settings) as lake:
            found = lake.records(ids, ("record", "file", "row", "marking"))
        shown = pc.is_in(found["marking"], pa.array(access.within(settings.clearance)))
        found = found.filter(shown).select(["record", "file", "row"]).combine_chunks()
        # Unlike Arrow's, this hash table is kept from one table to the next.
        index = pd.Index(found["record"].to_numpy(zero_copy_only=False), dtype=object)
        first = ~index.duplicated()
        self._index, self._found = index[first], found.filter(pa.array(first)).combine_chunks()

    def named(self, table: pa.Table) -> pa.Table:
        """The table with the `file` and the `row` in it of each row's `record`. O(n)."""
        if "record" not in table.column_names:
            return table
        wanted = table["record"].cast(pa.string()).to_numpy(zero_copy_only=False)
        at = self._index.get_indexer(wanted)
        place = pa.array(at, mask=at < 0)
        for name in ("file", "row"):
            table = table.append_column(name, self._found[name].take(place))
        return table


def nodes(snapshot: "Snapshot", kind: str, clearance: str, counts: access.Redactions) -> pa.Table:
    """The nodes of one kind that exist for the reader, without what is above the clearance."""
    from graph.algorithms.network import node_markings

    start, stop = snapshot.range(kind)
    exists, shown = (
        access.visible_mask(node_markings(snapshot, column)[start:stop], clearance)
        for column in ("markings", "marking")
    )
    counts.nodes += int((~exists).sum())
    table = snapshot.nodes(kind).filter(pa.array(exists))
    return _blanked(table, shown[exists], access.IDENTITY, counts)


def edges(snapshot: "Snapshot", kind: str, clearance: str, counts: access.Redactions) -> pa.Table:
    """The edges of one kind that exist for the reader, with the ids of both ends and their dates as
    dates, without what is above the clearance."""
    import numpy as np

    from graph.algorithms.network import seen_edges

    arrays, seen = snapshot.edges(kind), seen_edges(snapshot, kind, clearance)
    ids = np.concatenate([np.asarray(snapshot.ids(name), object) for name in snapshot.node_counts])
    counts.edges += int((~seen.exists).sum())

    def days(values: Any) -> pa.Array:
        limits = np.iinfo(np.int32)
        numbers = np.asarray(values, np.int32)
        unknown = (numbers == limits.min) | (numbers == limits.max)
        return pa.array(numbers, pa.int32(), mask=unknown).cast(pa.date32())

    table = pa.table(
        {
            "source": pa.array(ids[arrays.source[seen.exists]], pa.string()),
            "target": pa.array(ids[arrays.target[seen.exists]], pa.string()),
            "weight": pa.array(np.asarray(arrays.weight[seen.exists])),
            "valid_from": days(arrays.valid_from[seen.exists]),
            "valid_to": days(arrays.valid_to[seen.exists]),
            "recorded_at": days(arrays.recorded_at[seen.exists]),
            "record": pa.array(np.asarray(arrays.record[seen.exists]).astype(str), pa.string()),
        }
    )
    return _blanked(table, seen.shown[seen.exists], frozenset({"source", "target"}), counts)


def _blanked(
    table: pa.Table, shown: "NDArray[np.bool_]", kept: frozenset[str], counts: access.Redactions
) -> pa.Table:
    """The table with nulls for what is not shown, counted; `kept` columns stay."""
    import pyarrow.compute as pc

    if shown.all():
        return table
    mask = pa.array(shown)
    for index, field in enumerate(table.schema):
        if field.name not in kept:
            column = table.column(index)
            hidden = pc.if_else(mask, column, pa.scalar(None, field.type))
            counts.properties += hidden.null_count - column.null_count
            table = table.set_column(index, field.name, hidden)
    return table


def results(settings: Settings, snapshot: "Snapshot") -> dict[str, pa.Table]:
    """Scores and grades of the snapshot, as far as it has been scored and graded."""
    from graph.scores import open_scores
    from graph.store.ledger import Ledger

    found: dict[str, pa.Table] = {}
    with suppress(NotFound):
        scores = open_scores(settings, snapshot.id)
        found |= {"scores_shipments": scores.shipments, "scores_enterprises": scores.enterprises}
    with Ledger(settings) as ledger:
        runs = [run for run in ledger.runs() if run.snapshot == snapshot.id]
        if runs:
            latest = max(runs, key=lambda run: (run.as_of, run.finished_at, run.run))
            found["grades"] = ledger.grades(latest.run)
    return found


def write(table: pa.Table, wanted: Wanted, name: str) -> dict[str, int]:
    """Write one table; gives the file's name in the folder and its rows. Lists become `;` separated
    text in CSV."""
    import pyarrow.parquet

    from graph.spreadsheet import write_csv

    name = f"{name}.{wanted.format}"
    file = wanted.folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    if wanted.format == "parquet":
        pyarrow.parquet.write_table(table, file)
    else:
        write_csv(table, file)
    return {name: table.num_rows}


def _neighbourhood(settings: Settings, snapshot: "Snapshot", wanted: Wanted) -> dict[str, Any]:
    import networkx

    import hawser

    if wanted.around is None:
        raise HawserError("graphml needs --around", hint="give the node in the middle")
    clearance = settings.clearance
    with hawser.open(settings.home, snapshot=snapshot.id, clearance=clearance) as data:
        limit = wanted.limit or NEIGHBOURHOOD_LIMIT
        graph = data.neighbourhood(wanted.around, hops=wanted.hops, limit=limit, through_hubs=False)
    hubs = graph.graph.pop("hubs")
    done = {
        "nodes": graph.number_of_nodes(),
        "limit": limit,
        "partial": graph.graph["partial"],
        "skipped_hubs": len(hubs),
        "hubs": hubs[:HUBS],
        "redacted": graph.graph["redacted"],
        "withheld": [],
    }
    if wanted.format == "graphml":
        file = wanted.folder / f"{file_name(wanted.around)}.graphml"
        networkx.write_graphml(_text_attributes(graph), file)
        return done | {"files": {file.name: graph.number_of_edges()}}
    ids = [one.get("record") for *_, one in (*graph.nodes(data=True), *graph.edges(data=True))]
    told = Documents(settings, [id for id in ids if id])
    points = _rows([{"id": id, **values} for id, values in graph.nodes(data=True)])
    links = _rows([{"source": a, "target": b, **more} for a, b, more in graph.edges(data=True)])
    points, links = (told.named(table) for table in (points, links))
    return done | {"files": write(points, wanted, "nodes") | write(links, wanted, "edges")}


def show(done: Mapping[str, Any]) -> None:
    """Print what was written in words, and where a neighbourhood ended."""
    output.show({name: value for name, value in output.plain(done).items() if name not in _SAID})
    if hubs := done.get("skipped_hubs"):
        first = ", ".join(done["hubs"][:3])
        told = f"{hubs:,} hubs" if hubs > 1 else "1 hub"
        more = ", …" if hubs > 3 else ""
        say(
            f"\nNot walked through: {told} ({first}{more}), which are in it themselves"
            f" 有{hubs:,}个枢纽节点已包含但未展开"
        )
    if done.get("partial"):
        limit = f"{done['limit']:,}"
        say(
            f"\nIt was cut at {limit} nodes, so there are more: raise --limit or lower --hops."
            f" 结果在{limit}个节点处截断，并不完整：请提高--limit或减少--hops。"
        )


def file_name(id: str) -> str:
    """A file's name that tells the id: of its letters and digits, the others percent-encoded, so
    that it leads to no other folder; of one too long for a file, its hash."""
    name = re.sub(r"[^\w-]", lambda found: quote(found[0], safe="").replace(".", "%2E"), id)
    if len(name.encode()) > _LONGEST_NAME:
        return hashlib.sha256(id.encode()).hexdigest()[:32]
    return name


def _rows(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of different kinds as one table: every column that any of them has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows])


def _text_attributes(graph: Any) -> Any:
    """GraphML knows no dates, lists or nulls."""
    for _, values in (*graph.nodes(data=True), *((0, e[-1]) for e in graph.edges(data=True))):
        for name, value in list(values.items()):
            if value is None:
                del values[name]
            elif not isinstance(value, bool | int | float | str):
                values[name] = str(value)
    return graph
