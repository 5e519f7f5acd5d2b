"""Imports point back to `graph`, each heavy library has one home, and nothing needs torch to serve."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Which of our packages each one may import. Only what composes (the doors) may import all.
ALLOWED = {
    "graph": set(),
    "ingest": {"graph"},
    "gnn": {"graph"},
    "grading": {"graph"},
    "queries": {"graph"},
    "api": {"graph", "queries", "grading"},
}
DOORS = {"cli", "hawser", "commands"}
OURS = {*ALLOWED, *DOORS}

#: Libraries with one home: where they may be imported, as prefixes of the path.
HOMES = {
    "neo4j": ("graph/store/bolt.py",),
    "torch": ("gnn/",),
    "torch_geometric": ("gnn/",),
    "py2neo": ("graph/store/py2neo_bridge.py",),
    "arcadedb_embedded": ("graph/store/embedded",),
    "fastapi": ("api/",),
    "strawberry": ("api/",),
    "typer": ("cli.py", "commands/"),
}

SOURCES = [
    *(Path(name) for name in ("cli.py", "hawser.py")),
    *sorted(
        path.relative_to(ROOT)
        for folder in (*ALLOWED, "commands")
        for path in (ROOT / folder).rglob("*.py")
    ),
]


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """The top-level package and line of every absolute import, inside functions too."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0], node.lineno


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_point_back(package: str) -> None:
    allowed = ALLOWED[package] | {package}
    wrong = [
        f"{path}:{line} imports {name}"
        for path in SOURCES
        if path.parts[0] == package
        for name, line in imports(path)
        if name in OURS and name not in allowed
    ]
    assert not wrong


@pytest.mark.parametrize("library", HOMES)
def test_heavy_libraries_have_one_home(library: str) -> None:
    wrong = [
        f"{path}:{line}"
        for path in SOURCES
        if not path.as_posix().startswith(HOMES[library])
        for name, line in imports(path)
        if name == library
    ]
    assert not wrong


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_modules_stay_short(path: Path) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) < 500


def run(code: str) -> str:
    """Run Python code in a fresh process of the project and give what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_line_imports_no_stage_before_it_runs() -> None:
    stages = sorted({*ALLOWED} - {"graph"} | {"pandas", "duckdb", "torch", "neo4j", "fastapi"})
    loaded = run(f"import sys, cli; print([n for n in {stages} if n in sys.modules])")
    assert loaded.strip() == "[]"
