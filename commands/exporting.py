"""`hawser export`: a snapshot's nodes and edges, with scores and grades, as files."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from commands.output import Report
from graph.errors import HawserError, NotFound
from graph.settings import Settings

if TYPE_CHECKING:
    from graph.snapshot import Snapshot

FORMATS = ("csv", "parquet", "graphml")


@dataclass(frozen=True)
class Wanted:
    """What to write where."""

    folder: Path
    format: str
    around: str | None
    hops: int
    snapshot: str | None


def export(settings: Settings, wanted: Wanted, progress: Report) -> dict[str, Any]:
    """Write the files. Keys: folder, snapshot, files (each to its number of rows)."""
    from graph.snapshot import open_snapshot

    if wanted.format not in FORMATS:
        raise HawserError(f"no format {wanted.format!r}", hint=f"one of {', '.join(FORMATS)}")
    snapshot = open_snapshot(settings, wanted.snapshot)
    wanted.folder.mkdir(parents=True, exist_ok=True)
    if wanted.around or wanted.format == "graphml":
        files = _neighbourhood(settings, snapshot, wanted)
    else:
        files = _whole(settings, snapshot, wanted, progress)
    return {"folder": wanted.folder, "snapshot": snapshot.id, "files": files}


def _whole(
    settings: Settings, snapshot: "Snapshot", wanted: Wanted, progress: Report
) -> dict[str, int]:
    files: dict[str, int] = {}
    kinds = [*snapshot.node_counts, *snapshot.edge_counts]
    for position, kind in enumerate(kinds):
        progress(kind, position / len(kinds))
        table = snapshot.nodes(kind) if kind in snapshot.node_counts else edges(snapshot, kind)
        if table.num_rows:
            group = "nodes" if kind in snapshot.node_counts else "edges"
            files |= write(table, wanted.folder / group / kind, wanted.format)
    for name, table in results(settings, snapshot).items():
        files |= write(table, wanted.folder / name, wanted.format)
    return files


def edges(snapshot: "Snapshot", kind: str) -> pa.Table:
    """The edges of one kind with the ids of both ends and their dates as dates."""
    import numpy as np

    arrays = snapshot.edges(kind)
    ids = np.concatenate([np.asarray(snapshot.ids(name), object) for name in snapshot.node_counts])

    def days(values: Any) -> pa.Array:
        limits = np.iinfo(np.int32)
        numbers = np.asarray(values, np.int32)
        unknown = (numbers == limits.min) | (numbers == limits.max)
        return pa.array(numbers, pa.int32(), mask=unknown).cast(pa.date32())

    return pa.table(
        {
            "source": pa.array(ids[arrays.source], pa.string()),
            "target": pa.array(ids[arrays.target], pa.string()),
            "weight": pa.array(np.asarray(arrays.weight)),
            "valid_from": days(arrays.valid_from),
            "valid_to": days(arrays.valid_to),
            "recorded_at": days(arrays.recorded_at),
            "record": pa.array(np.asarray(arrays.record).astype(str), pa.string()),
        }
    )


def results(settings: Settings, snapshot: "Snapshot") -> dict[str, pa.Table]:
    """Scores of the snapshot, when it has been scored."""
    from graph.scores import open_scores

    with suppress(HawserError, FileNotFoundError):
        scores = open_scores(settings, snapshot.id)
        return {"scores_shipments": scores.shipments, "scores_enterprises": scores.enterprises}
    return {}


def write(table: pa.Table, path: Path, format: str) -> dict[str, int]:
    """Write one table; gives the file's name and rows. Lists become `;` separated text in CSV."""
    import pyarrow.parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.with_name(f"{path.name}.{format}")
    if format == "parquet":
        pyarrow.parquet.write_table(table, file)
    else:
        write_csv(table, file)
    return {f"{path.parent.name}/{file.name}": table.num_rows}


def write_csv(table: pa.Table, file: Path) -> None:
    """Write a table as CSV, quoting only what needs it."""
    import pyarrow.csv

    pyarrow.csv.write_csv(_flat(table), file, pyarrow.csv.WriteOptions(quoting_style="needed"))


def _flat(table: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    for index, field in enumerate(table.schema):
        if pa.types.is_list(field.type) or pa.types.is_large_list(field.type):
            column = pc.binary_join(table.column(index).cast(pa.list_(pa.string())), ";")
            table = table.set_column(index, field.name, column)
    return table


def _neighbourhood(settings: Settings, snapshot: "Snapshot", wanted: Wanted) -> dict[str, int]:
    import networkx

    import hawser

    if wanted.around is None:
        raise HawserError("graphml needs --around", hint="give the node in the middle")
    with hawser.open(settings.home, snapshot=snapshot.id) as data:
        graph = data.neighbourhood(wanted.around, hops=wanted.hops)
    if graph.number_of_nodes() == 0:
        raise NotFound(f"nothing has the id {wanted.around!r}")
    if wanted.format == "graphml":
        file = wanted.folder / f"{wanted.around}.graphml"
        networkx.write_graphml(_text_attributes(graph), file)
        return {file.name: graph.number_of_edges()}
    nodes = pa.Table.from_pylist([{"id": id, **values} for id, values in graph.nodes(data=True)])
    links = pa.Table.from_pylist(
        [{"source": a, "target": b, **values} for a, b, values in graph.edges(data=True)]
    )
    return write(nodes, wanted.folder / "nodes", wanted.format) | write(
        links, wanted.folder / "edges", wanted.format
    )


def _text_attributes(graph: Any) -> Any:
    """GraphML knows no dates, lists or nulls."""
    for _, values in (*graph.nodes(data=True), *((0, e[-1]) for e in graph.edges(data=True))):
        for name, value in list(values.items()):
            if value is None:
                del values[name]
            elif not isinstance(value, bool | int | float | str):
                values[name] = str(value)
    return graph
