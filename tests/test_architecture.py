"""Imports point back to `graph`, each heavy library has one home, and nothing needs torch to serve."""

import ast
import shutil
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
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_line_imports_no_stage_before_it_runs() -> None:
    stages = sorted({*ALLOWED} - {"graph"} | {"pandas", "duckdb", "torch", "neo4j", "fastapi"})
    loaded = run(f"import sys, cli; print([n for n in {stages} if n in sys.modules])")
    assert loaded.strip() == "[]"


WITHOUT_TORCH = """
import sys
from importlib.machinery import PathFinder

find = PathFinder.find_spec
missing = ("torch", "torch_geometric")
PathFinder.find_spec = lambda name, *more: None if name in missing else find(name, *more)

from pathlib import Path
from fastapi.testclient import TestClient

import hawser
from api.app import create_app
from commands import stages
from graph.settings import Settings

settings = Settings(home=Path({home!r}))
silent = lambda what, fraction: None
stages.features(settings, None, silent)
champion = stages.train(settings, None, 7, None, silent)["champion"]
assert champion.startswith("trees"), champion
stages.score(settings, None, None, silent)
assert sum(stages.grade(settings, None, None, False, silent)["counts"].values()) > 0
assert stages.index(settings, silent)["Enterprise"] > 0
with hawser.Data(settings) as data:
    name = data.snapshot.nodes("Enterprise")["name"][0].as_py()
    id = data.search(name)["id"][0]
    assert data.paths(id)["target"] == id
local = {{"client": ("127.0.0.1", 1), "base_url": "http://127.0.0.1"}}
with TestClient(create_app(settings), **local) as client:
    assert client.get("/health").status_code == 200
    query = {{"query": "query($id: String!) {{ riskPaths(id: $id) {{ influence }} }}"}}
    reply = client.post("/graphql", json={{**query, "variables": {{"id": id}}}}).json()
    assert "errors" not in reply, reply
assert "torch" not in sys.modules
print("done without torch")
"""


def test_training_trees_scoring_grading_paths_search_and_serving_need_no_torch(
    world_home: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(world_home, home)
    assert "done without torch" in run(WITHOUT_TORCH.format(home=str(home)))


def test_the_web_process_loads_neither_torch_nor_a_learning_library() -> None:
    code = (
        "import sys, api.app; print([n for n in ('torch', 'lightgbm', 'gnn') if n in sys.modules])"
    )
    assert run(code).strip() == "[]"
