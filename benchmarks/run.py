"""`make bench`: run the benchmarks, each in a process of its own, one after the other.

    python -m benchmarks.run                 all of them
    python -m benchmarks.run load features   only these
    python -m benchmarks.run --quick         small sizes, to see that they run

Every benchmark is a module of this folder that prints a table with the columns name, ours, peer,
ratio and target, and takes `--quick`. Figures depend on the machine; ratios much less so.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The benchmarks there are."""
    own = {Path(__file__).stem}
    modules = (path.stem for path in sorted(FOLDER.glob("*.py")))
    return [name for name in modules if name not in own and not name.startswith("_")]


def main() -> int:
    """Run what was asked for; 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="make bench", description="Run benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--quick", action="store_true", help="small sizes")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(names()))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(names())}")
    failed = [name for name in options.names or names() if _run(name, options.quick)]
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str, quick: bool) -> int:
    print(f"\n## {name}\n", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", *(["--quick"] if quick else [])]
    environment = {**os.environ, "PYTHONPATH": str(FOLDER.parent)}
    return subprocess.run(command, cwd=FOLDER.parent, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
