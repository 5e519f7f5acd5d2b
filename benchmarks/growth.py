"""How time grows with the number of shipments, stage by stage.

Gives the exponent p of seconds = c * shipments^p, fitted by least squares on logarithms: 1 means
that twice the data takes twice as long. Each stage runs as the command a user would run.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks._stage import Taken, hawser, table, world

STAGES: dict[str, tuple[str, ...]] = {
    "ingest": ("ingest", "tables"),
    "load": ("load", "--rebuild"),
    "snapshot": ("snapshot",),
    "features": ("features",),
}
TARGET = 1.1


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    sizes = [5_000, 10_000, 20_000] if options.quick else sorted(options.sizes)
    found = [_measure(size) for size in sizes]
    table([_row(stage, sizes, [taken[stage] for taken in found]) for stage in STAGES])


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The slope of log(seconds) over log(sizes)."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def _measure(shipments: int) -> dict[str, Taken]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tables = world(folder / "world", shipments)
        paths = {"ingest": (str(tables),)}
        return {
            stage: hawser(folder / "home", *command, *paths.get(stage, ()))
            for stage, command in STAGES.items()
        }


def _row(
    stage: str, sizes: Sequence[int], taken: Sequence[Taken]
) -> tuple[str, str, str, str, str]:
    seconds = [one.seconds for one in taken]
    ours = ", ".join(
        f"{size:,}: {one.seconds:.1f} s {one.peak:,.0f} MB"
        for size, one in zip(sizes, taken, strict=True)
    )
    power = exponent(sizes, seconds)
    return (stage, ours, "linear: 1.00", f"exponent {power:.2f}", f"at most {TARGET}")


if __name__ == "__main__":
    main()
