"""The generated pages are current, complete, and their examples work."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from graph.settings import Settings
from graph.tables import TABLES
from graph.values import clean
from ingest.pipeline import ingest

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


def test_examples_of_values_are_accepted() -> None:
    for name, about in generate.VALUE_TYPES.items():
        choices = (about["example"],) if name == "choice" else ()
        assert clean(name, about["example"], choices=choices, key=b"key") is not None, name


def blocks(page: str) -> dict[str, str]:
    """The files shown on a page, by name."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return dict(re.findall(r"`(\w+\.csv)`\n\n```csv\n(.*?)```", text, re.S))


def test_the_small_delivery_is_read_without_a_bad_row(tmp_path: Path) -> None:
    files = blocks("tables.md")
    folder = tmp_path / "delivery"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    report = ingest("tables", folder, Settings(home=tmp_path / "home"))
    assert report.accepted == {"enterprises": 2, "shipments": 1, "shipment_items": 1}
    assert not report.quarantined


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
