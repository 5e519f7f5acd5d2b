"""Run a command of `hawser` in a process of its own, and see what it takes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands.meter import Meter

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Taken:
    """Seconds from start to end of the process, its largest resident memory in MB, its answer."""

    seconds: float
    peak: float
    answer: dict[str, Any]


def hawser(home: Path, *arguments: str) -> Taken:
    """Run `hawser ARGUMENTS --json` on a data folder.

    Raises:
        RuntimeError: it failed; the message is what it wrote to standard error.
    """
    command = [sys.executable, "-c", "import cli; cli.main()", *arguments, "--json"]
    environment = {**os.environ, "HAWSER_HOME": str(home), "PYTHONPATH": str(ROOT)}
    meter = Meter()
    with meter.measure("run"):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"hawser {' '.join(arguments)}: {done.stderr.strip()}")
    taken = meter.stages["run"]
    return Taken(taken.seconds, taken.peak / 1e6, json.loads(done.stdout))


def world(folder: Path, shipments: int) -> Path:
    """The tables of a world with this many shipments; about five shipments an enterprise."""
    enterprises = str(max(1_000, shipments // 6))
    hawser(
        folder, "world", str(folder), "--enterprises", enterprises, "--shipments", str(shipments)
    )
    return folder / "tables"


def table(rows: Iterable[tuple[str, str, str, str, str]]) -> None:
    """Print the figures as a Markdown table."""
    lines = [("name", "ours", "peer", "ratio", "target"), ("---",) * 5, *rows]
    for line in lines:
        print("| " + " | ".join(line) + " |", flush=True)
