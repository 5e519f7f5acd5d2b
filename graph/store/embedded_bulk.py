"""The bulk builder's own process: `python -m graph.store.embedded_bulk FOLDER --heap SIZE`.

It reads parts from standard input, each a line of JSON (`kind`, `ends`, `columns`) followed by an
Arrow stream, and writes a new database to `FOLDER/database` and its counts to
`FOLDER/counts.json`. Rows become the JSON that the engine's bulk door takes inside DuckDB; Python
touches batches, never rows. It ends with its input: a parent that is killed takes it along.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import duckdb
import pyarrow as pa

from graph.ontology import EDGE_KINDS, NODE_KINDS
from graph.store import cypher


def main(arguments: list[str] | None = None) -> int:
    """Build a database from standard input. Returns the process's exit status."""
    parser = argparse.ArgumentParser(prog="graph.store.embedded_bulk")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--heap", required=True)
    options = parser.parse_args(arguments)
    os.chdir(options.folder)
    database = _create(options.folder / "database", options.heap)
    if not _fill(database, sys.stdin.buffer):
        sys.stderr.write("the input ended early\n")
        return 1
    for statement in cypher.schema():
        database.command("opencypher", statement.cypher)
    counts = {kind: database.count_type(kind) for kind in (*NODE_KINDS, *EDGE_KINDS)}
    database.close()
    _flush(options.folder / "database")
    (options.folder / "counts.json").write_text(json.dumps(counts))
    return 0


def _create(path: Path, heap: str) -> Any:
    """A new database with a type for every kind."""
    import arcadedb_embedded
    from arcadedb_embedded.jvm import start_jvm

    start_jvm(heap_size=heap)
    database = arcadedb_embedded.create_database(str(path))
    for kind in NODE_KINDS:
        database.command("sql", f"CREATE VERTEX TYPE {kind}")
    for kind in EDGE_KINDS:
        database.command("sql", f"CREATE EDGE TYPE {kind}")
    return database


def _fill(database: Any, source: IO[bytes]) -> bool:
    """Read parts until the end is announced; False when the input ends before that."""
    import jpype
    from arcadedb_embedded.results import _bridge_class

    vertices = jpype.JClass("com.arcadedb.python.VertexBatcher")
    edges = _bridge_class("EdgeBatcher")
    scratch = duckdb.connect()
    scratch.execute("CREATE TABLE places (kind VARCHAR, id VARCHAR, place VARCHAR)")
    with database.graph_batch() as batch:
        while line := source.readline():
            header = json.loads(line)
            if header.get("end"):
                return True
            with pa.ipc.open_stream(source) as stream:
                for rows in stream:
                    table = pa.table(rows)
                    if header["ends"] is None:
                        text = _node_json(scratch, table, header["columns"])
                        told = vertices.createVerticesJson(
                            batch._java_graph_batch, header["kind"], text
                        )
                        _remember(scratch, header["kind"], table, str(told))
                    else:
                        text = _edge_json(scratch, table, header)
                        edges.newEdgesJson(batch._java_graph_batch, header["kind"], text)
    return False


def _node_json(scratch: duckdb.DuckDBPyConnection, table: pa.Table, columns: Sequence[str]) -> str:
    """The rows as a JSON array, in their order."""
    scratch.register("part", table)
    found = scratch.execute(
        f"SELECT '[' || string_agg('{{' || {_members(columns)} || '}}', ',') || ']' FROM part"
    ).fetchall()
    return str(found[0][0] or "[]")


def _edge_json(
    scratch: duckdb.DuckDBPyConnection, table: pa.Table, header: Mapping[str, Any]
) -> str:
    """The rows as a JSON array with the places of their ends."""
    scratch.register("part", table)
    source, target = header["ends"]
    found = scratch.execute(
        "SELECT '[' || string_agg('{\"_src\":\"' || a.place || '\",\"_dst\":\"' || b.place || '\",'"
        f" || {_members(header['columns'])} || '}}', ',') || ']'"
        " FROM part JOIN places a ON a.kind = ? AND a.id = part.source_id"
        " JOIN places b ON b.kind = ? AND b.id = part.target_id",
        [source, target],
    ).fetchall()
    return str(found[0][0] or "[]")


def _members(columns: Sequence[str]) -> str:
    """SQL for the members of a JSON object, nulls left out. `digest`, the last, is never null."""
    parts = [
        f"CASE WHEN part.\"{name}\" IS NULL THEN '' ELSE '\"{name}\":' ||"
        f" to_json(part.\"{name}\")::VARCHAR || ',' END"
        for name in columns
        if name != "digest"
    ]
    return " || ".join([*parts, "'\"digest\":\"' || part.digest || '\"'"])


def _remember(scratch: duckdb.DuckDBPyConnection, kind: str, table: pa.Table, places: str) -> None:
    """Keep where the engine put each node, for the edges."""
    made = pa.table({"id": table["id"], "place": pa.array(places.split(";"), pa.string())})
    scratch.register("made", made)
    scratch.execute("INSERT INTO places SELECT ?, id, place FROM made", [kind])


def _flush(folder: Path) -> None:
    """Write every file of a folder to the disk before anything points at it."""
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # the Java machine's threads must not keep the process
