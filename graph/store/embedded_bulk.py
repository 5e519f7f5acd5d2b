"""The bulk builder's own process: `python -m graph.store.embedded_bulk FOLDER --heap SIZE`.

It reads parts from standard input, all nodes and then all edges, each part a line of JSON (`kind`,
`ends`, `columns`, `file`: a Parquet file that it deletes when done), and writes a new database to
`FOLDER/database` and its counts to `FOLDER/counts.json`. Rows become the JSON that the engine's
bulk door takes inside DuckDB, one chunk ahead of the engine; Python touches chunks, never rows. It
ends with its input: a parent that is killed takes it along.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from graph.errors import HawserError
from graph.ontology import EDGE_KINDS, NODE_KINDS
from graph.store import cypher
from graph.store.ahead import ahead
from graph.store.lake import QUIET

_CHUNK = 5_000  # rows handed to the engine at once; more cost it more, in waste memory
#: How the engine writes: edges kept before they are written, edges a transaction has at most, edges
#: whose far ends wait. Its own, larger ones fill a heap of 2 GB at some ten million edges.
_WRITING = {"batch_size": 20_000, "commit_every": 20_000, "max_deferred_incoming_edges": 1_000_000}


def main(arguments: list[str] | None = None) -> int:
    """Build a database from standard input. Returns the process's exit status."""
    parser = argparse.ArgumentParser(prog="graph.store.embedded_bulk")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--heap", required=True)
    parser.add_argument("--memory-limit", required=True, help="of DuckDB")
    options = parser.parse_args(arguments)
    os.chdir(options.folder)
    database = _create(options.folder / "database", options.heap)
    try:
        _fill(database, sys.stdin.buffer, options.memory_limit)
    except HawserError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    for statement in cypher.schema():
        database.command("opencypher", statement.cypher)
    counts = {kind: database.count_type(kind) for kind in (*NODE_KINDS, *EDGE_KINDS)}
    database.close()
    _flush(options.folder / "database")
    (options.folder / "counts.json").write_text(json.dumps(counts))
    return 0


@dataclass(frozen=True)
class Chunk:
    """Rows of one kind as a JSON array, and their ids (those of an edge's sources)."""

    kind: str
    text: str
    ids: pa.Array


def _create(path: Path, heap: str) -> Any:
    """A new database with a type for every kind."""
    import arcadedb_embedded
    from arcadedb_embedded.jvm import start_jvm

    start_jvm(heap_size=heap, jvm_args=["-XX:+UseParallelGC"])
    database = arcadedb_embedded.create_database(str(path))
    for kind in NODE_KINDS:
        database.command("sql", f"CREATE VERTEX TYPE {kind}")
    for kind in EDGE_KINDS:
        database.command("sql", f"CREATE EDGE TYPE {kind}")
    return database


def _fill(database: Any, source: IO[bytes], memory_limit: str) -> None:
    """Read parts until the end is announced, n nodes and m edges in O(n + m).

    Raises:
        HawserError: the input ends before that.
    """
    import jpype
    from arcadedb_embedded.results import _bridge_class

    vertices = jpype.JClass("com.arcadedb.python.VertexBatcher")
    edges: Any = _bridge_class("EdgeBatcher")
    limits: dict[str, Any] = {"memory_limit": memory_limit, "temp_directory": "scratch"}
    scratch = duckdb.connect(config=limits)
    scratch.execute(QUIET).fetchall()
    for kind in NODE_KINDS:
        scratch.execute(f"CREATE TABLE places_{kind} (id VARCHAR, place VARCHAR)").fetchall()
    with database.graph_batch(parallel_flush=False, **_WRITING) as batch:
        engine = batch._java_graph_batch
        for chunk in ahead(_chunks(source, scratch.cursor())):
            places = str(vertices.createVerticesJson(engine, chunk.kind, chunk.text))
            _remember(scratch, chunk.kind, chunk.ids, places)
        for chunk in ahead(_chunks(source, scratch.cursor())):
            edges.newEdgesJson(engine, chunk.kind, chunk.text)


def _chunks(source: IO[bytes], scratch: duckdb.DuckDBPyConnection) -> Iterator[Chunk]:
    """The rows of the parts that are announced, up to the line that says that they end."""
    while line := source.readline():
        header = json.loads(line)
        if header.get("end"):
            return
        rows: Any = scratch.execute(_query(header), [header["file"]])
        for part in rows.to_arrow_reader(_CHUNK):
            text = pc.binary_join(pa.ListArray.from_arrays([0, len(part)], part["text"]), ",")
            yield Chunk(header["kind"], f"[{text[0].as_py()}]", part["id"])
        Path(header["file"]).unlink()
    raise HawserError("the input ended early")


def _query(header: Mapping[str, Any]) -> str:
    """SQL for a part's rows as JSON objects; an edge's has the places of its ends."""
    members = _members(header["columns"])
    if header["ends"] is None:
        return f"SELECT id, '{{' || {members} || '}}' AS text FROM read_parquet(?) part"
    source, target = header["ends"]
    return (
        'SELECT \'{"_src":"\' || a.place || \'","_dst":"\' || b.place || \'",\''
        f" || {members} || '}}' AS text, a.id FROM read_parquet(?) part"
        f" JOIN places_{source} a ON a.id = part.source_id"
        f" JOIN places_{target} b ON b.id = part.target_id"
    )


def _members(columns: Sequence[str]) -> str:
    """SQL for the members of a JSON object, nulls left out. `digest`, the last, is never null."""
    parts = [
        f"CASE WHEN part.\"{name}\" IS NULL THEN '' ELSE '\"{name}\":' ||"
        f" to_json(part.\"{name}\")::VARCHAR || ',' END"
        for name in columns
        if name != "digest"
    ]
    return " || ".join([*parts, "'\"digest\":\"' || part.digest || '\"'"])


def _remember(scratch: duckdb.DuckDBPyConnection, kind: str, ids: pa.Array, places: str) -> None:
    """Keep where the engine put each node, for the edges."""
    made = pa.table({"id": ids, "place": pa.array(places.split(";"), pa.string())})
    scratch.register("made", made)
    scratch.execute(f"INSERT INTO places_{kind} SELECT id, place FROM made").fetchall()


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
