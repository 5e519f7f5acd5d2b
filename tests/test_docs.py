"""The generated pages are current, complete, and their examples work."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from graph.tables import TABLES

ROOT = Path(__file__).parents[1]


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load_generator()


@pytest.mark.parametrize("page", generate.PAGES)
def test_generated_pages_are_current(page: str) -> None:
    written = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert written == generate.PAGES[page](), "run `make docs`"


def test_every_type_of_value_is_described() -> None:
    used = {column.type for table in TABLES.values() for column in table.columns}
    assert used <= set(generate.VALUE_TYPES)


def test_links_lead_somewhere() -> None:
    broken = [
        f"{page.name}: {target}"
        for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not broken


def test_no_page_names_a_missing_command() -> None:
    import cli

    known = {command.name or command.callback.__name__ for command in cli.app.registered_commands}
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        shown = set(re.findall(r"^(?:\$ )?hawser ([a-z]+)", page.read_text(encoding="utf-8"), re.M))
        assert shown <= known, page.name
