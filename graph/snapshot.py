"""Immutable, memory-mapped columnar copies of the graph as of a day and a knowledge time.

A snapshot is a folder `HOME/snapshots/<id>`: one Arrow IPC file a node kind, one set of NumPy
arrays an edge kind, and `manifest.json` with counts and checksums. Its id is a hash of its content
(nodes, edges, `as_of`, `known_at`), so it depends neither on batches nor on the order of rows.

Nodes are numbered 0 to n-1: kinds in the ontology's order, ids in byte order within a kind. Edges
of a kind are sorted by (source, target, key).
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sparse

from graph.access import HIGHEST
from graph.aside import building, put_in_place
from graph.errors import SnapshotError
from graph.ontology import EDGE_KINDS, MARKINGS, NODE_KINDS
from graph.settings import Settings
from graph.snapshot_columns import (
    NO_EDGES,
    edge_array,
    edge_columns,
    hash_table,
    highest,
    node_schema,
)
from graph.snapshot_columns import NO_END as NO_END
from graph.snapshot_columns import NO_START as NO_START
from graph.snapshot_in_use import in_use, put_in_use
from graph.tables import TABLES

if TYPE_CHECKING:
    from graph.store.in_force import InForce
    from graph.store.lake import Lake

FORMAT = 3
EPOCH = date(1970, 1, 1)
Progress = Callable[[str, float], None]
Integers = npt.NDArray[np.int64]
Direction = Literal["out", "in", "both"]

_ARRAYS = (
    "source", "target", "weight", "valid_from", "valid_to", "recorded_at", "marking", "record",
    "property_marking",
)  # fmt: skip
_FEW = 256


def to_day(value: date) -> int:
    """Days since 1970-01-01."""
    return (value - EPOCH).days


def from_day(day: int) -> date | None:
    """The date of a day number; None for `NO_START` and `NO_END`."""
    return None if day in (NO_START, NO_END) else EPOCH + timedelta(days=int(day))


@dataclass(frozen=True)
class EdgeArrays:
    """The m edges of one kind: memory-mapped arrays of equal length, sorted by (source, target).

    `source`, `target`: int64 node numbers. `weight`: float64; a share for OWNS and CONTROLS (NaN
    when unknown), a value for CONTAINS, TRADES_WITH and PAID, else 1. `valid_from`, `valid_to`,
    `recorded_at`: int32 days since 1970-01-01, `NO_START`/`NO_END` where open. `marking`: uint8
    position in `MARKINGS`, the lowest of the edge's statements: from which clearance on the edge
    exists. `property_marking`: uint8, that of the statement that `weight`, the three days and
    `record` (S16) were read from: whoever may not see it may not see those.
    """

    source: Integers
    target: Integers
    weight: npt.NDArray[np.float64]
    valid_from: npt.NDArray[np.int32]
    valid_to: npt.NDArray[np.int32]
    recorded_at: npt.NDArray[np.int32]
    marking: npt.NDArray[np.uint8]
    record: npt.NDArray[np.bytes_]
    property_marking: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return int(self.source.size)

    def on(self, day: date) -> npt.NDArray[np.bool_]:
        """Which edges are valid on a day: `valid_from` <= day < `valid_to`. O(m)."""
        number = to_day(day)
        return (self.valid_from <= number) & (self.valid_to > number)


@dataclass(frozen=True)
class Snapshot:
    """An opened snapshot. Arrays and tables are mapped when first asked for, and kept."""

    folder: Path
    id: str
    as_of: date
    known_at: date
    node_counts: dict[str, int]
    edge_counts: dict[str, int]
    #: The highest marking of all statements about its nodes and edges: what is computed from all
    #: of it (scores, grades) may not be shown below.
    highest_marking: str = HIGHEST
    _mapped: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def size(self) -> int:
        """The number of nodes, n."""
        return sum(self.node_counts.values())

    def range(self, kind: str) -> tuple[int, int]:
        """First node number of the kind and the one after its last."""
        start = 0
        for name, count in self.node_counts.items():
            if name == kind:
                return start, start + count
            start += count
        raise SnapshotError(f"snapshot {self.id} has no node kind {kind!r}")

    def nodes(self, kind: str) -> pa.Table:
        """The kind's nodes, memory-mapped: `id`, properties and provenance, sorted by id."""
        self.range(kind)
        return self._once(("nodes", kind), lambda: _map_table(self.folder / _node_file(kind)))

    def ids(self, kind: str) -> npt.NDArray[np.object_]:
        """The kind's ids as an array of str, in node order."""
        array: npt.NDArray[np.object_] = self._once(
            ("ids", kind), lambda: self.nodes(kind)["id"].to_numpy(zero_copy_only=False)
        )
        return array

    def locate(self, kind: str, ids: Sequence[str] | pa.Array) -> Integers:
        """Node numbers of ids; -1 where the kind has no such id.

        O(k log n) for few ids, O(n + k) for many.
        """
        start = self.range(kind)[0]
        wanted = _strings(ids)
        if len(wanted) > _FEW or wanted.null_count:
            found = _positions(wanted, self.nodes(kind)["id"])
        else:
            known = self.ids(kind)
            values = wanted.to_numpy(zero_copy_only=False)
            near = np.searchsorted(known, values)
            padded = np.append(known, [None])
            found = np.where(padded[near] == values, near, -1)
        return np.where(found >= 0, found + start, -1)

    def kind_of(self, index: int) -> str:
        """The kind of a node number. Raises `SnapshotError`."""
        stop = 0
        for name, count in self.node_counts.items():
            stop += count
            if 0 <= index < stop:
                return name
        raise SnapshotError(f"snapshot {self.id} has no node number {index}")

    def id_of(self, index: int) -> str:
        """The id of a node number. Raises `SnapshotError`."""
        kind = self.kind_of(index)
        return str(self.nodes(kind)["id"][int(index) - self.range(kind)[0]].as_py())

    def edges(self, kind: str) -> EdgeArrays:
        """The edges of a kind, memory-mapped."""
        if kind not in self.edge_counts:
            raise SnapshotError(f"snapshot {self.id} has no edge kind {kind!r}")
        arrays: EdgeArrays = self._once(("edges", kind), lambda: _map_edges(self.folder, kind))
        return arrays

    def adjacency(
        self,
        kinds: Iterable[str],
        *,
        direction: Direction = "out",
        on: date | None = None,
        weighted: bool = False,
    ) -> sparse.csr_array:
        """The n by n matrix of the kinds' edges: row source, column target for `out`.

        `in` transposes, `both` adds the two. `on` keeps edges valid on the day; None keeps every
        edge the snapshot knows, ended ones too. Unweighted entries are 1 however many edges run in
        parallel; weighted ones are sums, those of unknown or no weight left out.
        O(n + m).
        """
        matrix = sparse.csr_array((self.size, self.size), dtype=np.float64)
        for kind in kinds:
            if self.edge_counts.get(kind) != 0:
                matrix = matrix + self._matrix(kind, on, weighted)
        if direction == "in":
            matrix = matrix.T.tocsr()
        elif direction == "both":
            matrix = (matrix + matrix.T).tocsr()
        if not weighted:
            matrix.data[:] = 1.0
        return matrix

    def _matrix(self, kind: str, on: date | None, weighted: bool) -> sparse.csr_array:
        """One kind's matrix. Edges are sorted, so nothing is sorted again: O(n + m)."""
        arrays = self.edges(kind)
        keep = np.flatnonzero(arrays.on(on)) if on is not None else slice(None)
        source, target = arrays.source[keep], arrays.target[keep]
        weight = np.nan_to_num(arrays.weight[keep]) if weighted else np.ones(source.size)
        first = np.ones(source.size, bool)
        first[1:] = (np.diff(source) != 0) | (np.diff(target) != 0)
        starts = np.flatnonzero(first)
        if starts.size < source.size:
            weight = np.add.reduceat(weight, starts)
            source, target = source[starts], target[starts]
        small = np.int32 if max(self.size, source.size) < np.iinfo(np.int32).max else np.int64
        pointer = np.concatenate([[0], np.cumsum(np.bincount(source, minlength=self.size))])
        parts = (weight, target.astype(small), pointer.astype(small))
        return sparse.csr_array(parts, shape=(self.size, self.size))

    def _once(self, key: tuple[str, str], make: Callable[[], Any]) -> Any:
        if key not in self._mapped:
            self._mapped[key] = make()
        return self._mapped[key]


def build(
    lake: "Lake",
    settings: Settings,
    *,
    as_of: date | None = None,
    known_at: date | None = None,
    judgements: pa.Table | None = None,
    progress: Progress | None = None,
) -> Snapshot:
    """Write the snapshot of the lake and open it; the same content gives the same id and folder.

    `as_of` and `known_at` default to the last day on which anything was recorded (today at the
    latest), so the same lake gives the same snapshot on any day. `judgements` are passed to the
    projection (identities that people decided); without a `known_at` all of them count.
    With neither day given the snapshot is put in use; with one, only where none is in use yet.
    O(n log n + m log m) time; one kind at a time is held in memory.
    """
    given = as_of is not None or known_at is not None
    lake = lake.pinned()
    latest = min(date.today(), lake.latest_day() or date.today())
    if judgements is not None and known_at is None:
        judgements = _known_by(judgements, latest)
    as_of, known_at = as_of or latest, known_at or latest
    from graph.store.in_force import InForce  # only building needs the tables' engine

    with building(settings.snapshot_folder) as staging:
        writer = _Writer(staging, as_of, known_at)
        with closing(InForce(lake)) as tables:
            _write_all(writer, tables, judgements, progress or (lambda what, share: None))
        identifier = writer.identifier
        folder = settings.snapshot_folder / identifier
        put_in_place(staging, folder, lambda: _sound(settings, identifier))
        built = open_snapshot(settings, identifier)
        if not given or not _sound(settings, verify=False):
            put_in_use(settings, identifier)
    return built


def _known_by(judgements: pa.Table, day: date) -> pa.Table:
    """The judgements as if made by `day` at the latest."""
    place = judgements.schema.get_field_index("created_on")
    days = pc.min_element_wise(judgements["created_on"], pa.scalar(day, pa.date32()))
    return judgements.set_column(place, "created_on", days)


def open_snapshot(settings: Settings, id: str | None = None, *, verify: bool = True) -> Snapshot:
    """Open a snapshot by id, or the one in use; `verify` reads all to compare checksums.

    Raises:
        SnapshotError: there is none, or a file is missing or damaged.
    """
    identifier = id or in_use(settings)
    folder = settings.snapshot_folder / identifier
    manifest = _read_manifest(folder, identifier)
    for name, (size, checksum) in manifest["files"].items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise _damaged(identifier, name)
        if verify and _checksum(path) != checksum:
            raise _damaged(identifier, name)
    return Snapshot(
        folder,
        identifier,
        date.fromisoformat(manifest["as_of"]),
        date.fromisoformat(manifest["known_at"]),
        manifest["nodes"],
        manifest["edges"],
        manifest["highest_marking"],
    )


class _Writer:
    """Writes kinds into a folder set aside and hashes what it writes."""

    def __init__(self, folder: Path, as_of: date, known_at: date) -> None:
        self.folder = folder
        self.as_of, self.known_at = as_of, known_at
        self.nodes: dict[str, int] = {}
        self.edges: dict[str, int] = {}
        self.dangling: dict[str, int] = {}
        self._highest = 0
        self._ids: dict[str, pa.Array] = {}
        self._starts: dict[str, int] = {}
        self._hash = hashlib.sha256(f"{FORMAT} {as_of} {known_at}".encode())

    @property
    def identifier(self) -> str:
        """Hash of all that was written, 16 hexadecimal digits."""
        digest = self._hash.copy()
        digest.update(self.highest_marking.encode())
        return digest.hexdigest()[:16]

    @property
    def highest_marking(self) -> str:
        """The highest marking of the statements about what was written."""
        return MARKINGS[self._highest]

    def add_nodes(self, kind: str, table: pa.Table) -> None:
        """Write the nodes of a kind, sorted by id. O(n log n)."""
        table = table.select(node_schema(kind).names).cast(node_schema(kind))
        table = table.take(pc.sort_indices(table["id"])).combine_chunks()
        self._highest = max(self._highest, highest(table))
        self._starts[kind] = sum(self.nodes.values())
        self.nodes[kind] = table.num_rows
        self._ids[kind] = table["id"].combine_chunks()
        self._hash.update(f"node {kind} {table.num_rows}".encode())
        hash_table(self._hash, table)
        path = self.folder / _node_file(kind)
        path.parent.mkdir(exist_ok=True)
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as file:
            file.write_table(table)

    def add_edges(self, kind: str, table: pa.Table) -> None:
        """Write the edges of a kind; those whose end is no node are counted and left out."""
        frame = pl.DataFrame(
            {
                "source": self._ends(table["source_kind"], table["source"]),
                "target": self._ends(table["target_kind"], table["target"]),
                **edge_columns(kind, table),
            }
        )
        whole = frame.filter((pl.col("source") >= 0) & (pl.col("target") >= 0))
        whole = whole.sort("source", "target", "key", "record")
        self._highest = max(self._highest, highest(table))
        self.edges[kind] = whole.height
        if missing := frame.height - whole.height:
            self.dangling[kind] = missing
        folder = self.folder / "edges" / kind
        folder.mkdir(parents=True)
        self._hash.update(f"edge {kind} {whole.height}".encode())
        for name in _ARRAYS:
            array = edge_array(whole[name])
            self._hash.update(array.tobytes())
            np.save(folder / f"{name}.npy", array)

    def _ends(self, kinds: pa.ChunkedArray, ids: pa.ChunkedArray) -> Integers:
        """Node numbers of the ends, -1 for those that are no node."""
        numbers = np.full(len(ids), -1, np.int64)
        for kind in pc.unique(kinds).drop_null().to_pylist():
            mask = pc.equal(kinds, kind).to_numpy(zero_copy_only=False).astype(bool)
            found = _positions(ids.filter(pa.array(mask)), self._ids[kind])
            numbers[mask] = np.where(found >= 0, found + self._starts[kind], -1)
        return numbers

    def finish(self) -> None:
        """Write the manifest, last."""
        files = {
            str(path.relative_to(self.folder)): [path.stat().st_size, _checksum(path)]
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }
        manifest = {
            "format": FORMAT,
            "id": self.identifier,
            "as_of": self.as_of.isoformat(),
            "known_at": self.known_at.isoformat(),
            "nodes": self.nodes,
            "edges": self.edges,
            "highest_marking": self.highest_marking,
            "dangling": self.dangling,
            "files": files,
        }
        (self.folder / "manifest.json").write_text(json.dumps(manifest, indent=1), "utf-8")


def _write_all(
    writer: _Writer, tables: "InForce", judgements: pa.Table | None, progress: Progress
) -> None:
    from graph.projection import edge_table, node_table

    times = {"as_of": writer.as_of, "known_at": writer.known_at}
    total = len(NODE_KINDS) + len(EDGE_KINDS)
    filled = {name for name in TABLES if tables.filled(name)}
    for done, (kind, node) in enumerate(NODE_KINDS.items()):
        progress(kind, done / total)
        if filled.isdisjoint(origin.table for origin in node.origins):
            writer.add_nodes(kind, node_schema(kind).empty_table())
        else:
            writer.add_nodes(kind, tables.read(node_table(tables, kind, **times)))
    for done, (kind, edge) in enumerate(EDGE_KINDS.items(), len(NODE_KINDS)):
        progress(kind, done / total)
        if edge.origins and filled.isdisjoint(origin.table for origin in edge.origins):
            writer.add_edges(kind, NO_EDGES)
        else:
            told = edge_table(tables, kind, **times, judgements=judgements)
            writer.add_edges(kind, tables.read(told))
    writer.finish()


def _sound(settings: Settings, identifier: str | None = None, *, verify: bool = True) -> bool:
    """Whether the snapshot, or the one in use, can be opened."""
    try:
        open_snapshot(settings, identifier, verify=verify)
    except SnapshotError:
        return False
    return True


def _strings(ids: Sequence[str] | pa.Array) -> pa.Array:
    array = ids if isinstance(ids, pa.Array | pa.ChunkedArray) else pa.array(ids, pa.string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _positions(wanted: pa.Array | pa.ChunkedArray, known: pa.Array | pa.ChunkedArray) -> Integers:
    """Where each wanted value is in `known`, -1 for nowhere. O(n + k), a hash join."""
    values = _strings(known).cast(pa.large_string())
    found = pc.index_in(_strings(wanted).cast(pa.large_string()), value_set=values)
    array: Integers = found.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return array


def _map_table(path: Path) -> pa.Table:
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _map_edges(folder: Path, kind: str) -> EdgeArrays:
    arrays = (np.load(folder / "edges" / kind / f"{name}.npy", mmap_mode="r") for name in _ARRAYS)
    return EdgeArrays(*arrays)


def _node_file(kind: str) -> str:
    return f"nodes/{kind}.arrow"


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _read_manifest(folder: Path, identifier: str) -> dict[str, Any]:
    path = folder / "manifest.json"
    if not folder.is_dir():
        raise SnapshotError(f"there is no snapshot {identifier!r}", hint="run `hawser snapshot`")
    try:
        manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
        complete = manifest["format"] == FORMAT and manifest["id"] == identifier
        needed = {"as_of", "known_at", "nodes", "edges", "highest_marking", "files"}
        complete = complete and needed <= set(manifest)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(identifier, "manifest.json") from error
    if not complete:
        raise _damaged(identifier, "manifest.json")
    return manifest


def _damaged(identifier: str, name: str) -> SnapshotError:
    return SnapshotError(
        f"snapshot {identifier}: {name} is missing or damaged", hint="build the snapshot again"
    )
