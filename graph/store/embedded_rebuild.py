"""Build the embedded graph anew with the server's bulk way and swap it in.

The bulk way writes no log, so the new database is built by a process of its own in a folder of its
own (`graph.store.embedded_bulk`), checked, and only then renamed into place. A process that is
killed leaves the old graph as it was and a folder that the next rebuild removes.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from graph.errors import LoadError
from graph.ontology import EDGE_KINDS, NODE_KINDS
from graph.settings import Settings
from graph.store.report import LoadReport, Progress
from graph.store.rows import GraphRows, Part, told
from graph.store.server_folder import SWAP_WITHIN, ServerFolder, server_folder, try_lock

_END = b'{"end": true}\n'  # after the nodes, and after the edges


def rebuild_embedded(rows: GraphRows, settings: Settings, progress: Progress) -> LoadReport:
    """Build, check, swap. The caller holds the load lock.

    Raises:
        LoadError: the builder failed or its counts are wrong; the graph is as it was.
    """
    folder = server_folder(settings.home)
    building = folder.path / "building"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    report = LoadReport(method="bulk")
    began = time.monotonic()
    try:
        _build(rows, building, settings, report, progress)
        report.seconds["build"] = time.monotonic() - began
        _check(building, report)
        began = time.monotonic()
        _swap(folder, building)
        report.seconds["swap"] = time.monotonic() - began
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return report


def _build(
    rows: GraphRows, building: Path, settings: Settings, report: LoadReport, progress: Progress
) -> None:
    """Feed the builder with every kind's rows."""
    log = building / "build.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "graph.store.embedded_bulk",
                str(building),
                f"--heap={settings.embedded_heap}",
                f"--memory-limit={settings.memory_limit}",
            ],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    assert child.stdin is not None
    try:
        _feed(rows, child.stdin, building, report, progress)
        child.stdin.close()
    except BrokenPipeError:
        pass  # the builder says why in its log, see below
    except BaseException:
        child.kill()
        raise
    finally:
        status = child.wait()
    if status != 0:
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        raise LoadError(
            f"the graph could not be built ({lines[-1].strip() if lines else f'status {status}'})",
            hint="the graph is as it was; is there disk space and memory (HAWSER_EMBEDDED_HEAP)?",
        )


def _feed(
    rows: GraphRows, pipe: IO[bytes], folder: Path, report: LoadReport, progress: Progress
) -> None:
    """Hand over every part as it is worked out; the builder follows at its own pace.

    Those it has not come to yet lie in the folder: at most the whole graph, as Parquet.
    """
    steps = len(NODE_KINDS) + len(EDGE_KINDS)
    for place, part in enumerate(rows.node_parts()):
        progress(part.kind, place / steps)
        report.nodes[part.kind] = _send(rows, part, pipe, folder)
    pipe.write(_END)
    for place, kind in enumerate(EDGE_KINDS, start=len(NODE_KINDS)):
        progress(kind, place / steps)
        report.edges[kind] = sum(_send(rows, part, pipe, folder) for part in rows.edge_parts(kind))
    report.written_nodes = sum(report.nodes.values())
    report.written_edges = sum(report.edges.values())
    pipe.write(_END)


def _send(rows: GraphRows, part: Part, pipe: IO[bytes], folder: Path) -> int:
    """Write a part to a file and tell the builder of it; returns the number of rows."""
    file = folder / f"{part.kind}-{'-'.join(part.ends or ())}.parquet"
    target = str(file).replace("'", "''")
    told(rows.lake, f"COPY \"{part.table}\" TO '{target}' (FORMAT parquet)")
    header = {
        "kind": part.kind,
        "ends": part.ends,
        "columns": list(part.types),
        "file": str(file),
    }
    pipe.write(json.dumps(header).encode() + b"\n")
    pipe.flush()
    return part.count


def _check(building: Path, report: LoadReport) -> None:
    """Compare what the builder counted in the finished database with what was sent."""
    counted = json.loads((building / "counts.json").read_text())
    wrong = [
        f"{kind} {counted.get(kind, 0)} instead of {expected}"
        for kind, expected in {**report.nodes, **report.edges}.items()
        if counted.get(kind, 0) != expected
    ]
    if wrong:
        raise LoadError(
            f"the new graph does not hold what the lake says ({', '.join(wrong)})",
            hint="the graph is as it was",
        )


def _swap(folder: ServerFolder, building: Path) -> None:
    """Put the new database in the place of the old one.

    A running server opens it when it is first asked for, and drops the old one later. A starting
    one would delete it until it is the one in use, so none looks meanwhile.

    Raises:
        LoadError: a starting server does not come to its end.
    """
    name = f"graph-{secrets.token_hex(4)}"
    with try_lock(folder.swap_lock, shared=False, seconds=SWAP_WITHIN) as mine:
        if mine is None:
            raise LoadError(
                f"the graph folder {folder.path} is kept by a starting server",
                hint="the graph is as it was; load it again",
            )
        (building / "database").rename(folder.databases / name)
        _flush(folder.databases)
        folder.point_to(name)


def _flush(folder: Path) -> None:
    """Write a folder's entries to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
