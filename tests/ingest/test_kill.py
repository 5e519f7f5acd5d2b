"""A process killed at any moment of an ingest or a load harms nothing; the next run completes it."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from graph.settings import Settings
from graph.store.bolt import GraphStore
from graph.store.lake import Lake
from graph.store.server_folder import server_folder
from ingest.world import generate

ROOT = Path(__file__).parents[2]
CHILD = """
import sys
from pathlib import Path
from graph.settings import Settings
from graph.store import load
from graph.store.bolt import GraphStore
from graph.store.lake import Lake
from ingest.pipeline import ingest
settings = Settings(home=Path(sys.argv[2]), threads=1, embedded_heap="512m", embedded_idle=0.5)
tell = lambda stage: lambda what, share: print(stage, what, flush=True)
tell("ingest")("starts", 0.0)
ingest("tables", Path(sys.argv[1]), settings, progress=tell("ingest"))
tell("load")("starts", 0.0)
with Lake(settings) as lake, GraphStore.open(settings) as store:
    load.increment(lake, store, progress=tell("load"))
tell("load")("is done", 1.0)
sys.stdin.read()
"""
#: How many kills hit each stage.
KILLS = {"ingest": 5, "load": 5}


@dataclass(frozen=True)
class Moment:
    """A moment of a run: so many seconds after it printed a line."""

    line: str
    delay: float


def start(source: Path, home: Path) -> subprocess.Popen[str]:
    """Run an ingest and a load in a process of its own, which then waits for its input to end."""
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(source), str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def lines_of(child: subprocess.Popen[str]) -> Iterator[str]:
    """What the child prints, up to the end of its work."""
    assert child.stdout is not None
    for line in child.stdout:
        yield line.strip()
        if line.strip() == "load is done":
            return


def undisturbed(source: Path, home: Path) -> list[tuple[str, float]]:
    """A whole run: what it printed, and when."""
    with start(source, home) as child:
        told = [(line, time.monotonic()) for line in lines_of(child)]
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(60) == 0
    assert told[-1][0] == "load is done"
    return told


def moments(told: list[tuple[str, float]], seed: int) -> list[Moment]:
    """Random moments spread over each stage, in order."""
    chance, found = random.Random(seed), []
    for stage, count in KILLS.items():
        own = [when for line, when in told if line.startswith(stage)]
        stop = min([when for line, when in told if when > own[-1]], default=own[-1])
        for number in range(count):
            share = (number + chance.random()) / count
            moment = own[0] + share * (stop - own[0])
            line, when = max((each for each in told if each[1] <= moment), key=lambda each: each[1])
            found.append(Moment(line, moment - when))
    return found


def kill(source: Path, home: Path, moment: Moment) -> None:
    """Kill a run with SIGKILL at a moment, or where it has nothing left to do."""
    with start(source, home) as child:
        for line in lines_of(child):
            if line == moment.line:
                time.sleep(moment.delay)
                break
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL


def lake_of(settings: Settings) -> tuple[str, list[str]]:
    """The fingerprint and the batches."""
    with Lake(settings) as lake:
        return lake.fingerprint(), [manifest.id for manifest in lake.batches()]


def graph_of(settings: Settings) -> tuple[list[Any], list[Any]]:
    """Every node and edge with the digest of its properties."""
    nodes = "MATCH (n) RETURN labels(n) AS kind, n.id AS id, n.digest AS digest"
    edges = (
        "MATCH (a)-[r]->(b) RETURN type(r) AS kind, a.id AS source, b.id AS target, r.key AS key,"
        " r.digest AS digest"
    )
    with GraphStore.open(settings) as store:
        found = [store.read("everything", query, {}) for query in (nodes, edges)]
    ordered = [sorted(map(repr, (tuple(row.values()) for row in rows))) for rows in found]
    return ordered[0], ordered[1]


def is_left_behind(settings: Settings, within: float = 60.0) -> bool:
    """Whether a process of the data folder still runs after some seconds."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        named = (
            path.read_bytes()
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if path.exists() and int(path.parent.name) != os.getpid()
        )
        if server_folder(settings.home).running() is None and not any(
            os.fsencode(settings.home) in text for text in named
        ):
            return False
        time.sleep(0.2)
    return True


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
def test_ten_kills_of_an_ingest_and_a_load_leave_no_trace(tmp_path: Path) -> None:
    generate(100, 11, tmp_path / "world", shipments=200)
    source = tmp_path / "world" / "tables"
    (source / "commodities.parquet").unlink()  # many nodes, all of one kind
    whole, killed = (
        Settings(home=tmp_path / name, threads=1, embedded_heap="512m", embedded_idle=0.5)
        for name in ("whole", "killed")
    )
    told = undisturbed(source, whole.home)
    expected = lake_of(whole)
    nothing = lake_of(Settings(home=tmp_path / "nothing"))
    killed.home.mkdir()
    (killed.home / "secret.key").write_bytes((whole.home / "secret.key").read_bytes())
    chosen = moments(told, seed=7)
    assert len(chosen) == 10
    for moment in chosen:
        kill(source, killed.home, moment)
        assert lake_of(killed) in (expected, nothing)
    undisturbed(source, killed.home)
    assert lake_of(killed) == expected
    assert not (killed.lake_folder / "staging").exists()
    nodes, edges = graph_of(killed)
    assert (nodes, edges) == graph_of(whole)
    assert len(nodes) > 1_000
    assert len(edges) > 3_000
    assert not is_left_behind(whole)
    assert not is_left_behind(killed)
