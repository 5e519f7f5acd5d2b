"""A process killed at any moment leaves the lake as it was, and the next run completes it."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from graph.settings import Settings
from graph.store.lake import Lake
from ingest.pipeline import ingest

ROOT = Path(__file__).parents[2]
CHILD = """
import sys
from pathlib import Path
from graph.settings import Settings
from ingest.pipeline import ingest
print("started", flush=True)
ingest("tables", Path(sys.argv[1]), Settings(home=Path(sys.argv[2]), threads=1))
print("done", flush=True)
"""


def rows_of(folder: Path, rows: int) -> Path:
    """Tables of some size, so that a kill can hit any stage."""
    folder.mkdir()
    ids = [f"E{number}" for number in range(rows // 10)]
    pl.DataFrame({"enterprise_id": ids, "name": ids, "country": "CN"}).write_parquet(
        folder / "enterprises.parquet"
    )
    pl.DataFrame(
        {
            "shipment_id": [f"S{number}" for number in range(rows)],
            "declared_at": "2024-01-02",
            "direction": "I",
            "customs_office": "2201",
            "importer_id": [ids[number % len(ids)] for number in range(rows)],
        }
    ).write_parquet(folder / "shipments.parquet")
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is Unix's")
def test_a_killed_ingest_is_completed_by_the_next(tmp_path: Path) -> None:
    source = rows_of(tmp_path / "in", 10_000)
    whole = Settings(home=tmp_path / "whole", threads=1)
    began = time.monotonic()
    ingest("tables", source, whole)
    duration = time.monotonic() - began
    with Lake(whole) as lake:
        expected = lake.fingerprint()
    killed = Settings(home=tmp_path / "killed", threads=1)
    moments = random.Random(7)
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(source), str(killed.home)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(moments.uniform(0, duration))
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with Lake(killed) as lake:
            assert lake.fingerprint() in (
                expected,
                Lake(Settings(home=tmp_path / "no")).fingerprint(),
            )
    report = ingest("tables", source, killed)
    with Lake(killed) as lake:
        assert lake.fingerprint() == expected
        assert len(lake.batches()) == 1
    assert report.unchanged or report.accepted == {"enterprises": 1_000, "shipments": 10_000}
    assert not (killed.lake_folder / "staging").exists()
