"""Canonical tables from a folder, a zip archive or a single file named after its table."""

from collections.abc import Iterator
from pathlib import Path

import yaml

from graph.files import (
    ENDINGS,
    FileRejected,
    Frame,
    archive_members,
    ending,
    read_file,
    read_member,
    table_of,
)
from graph.ontology import MARKINGS
from graph.tables import TABLES
from ingest.context import Context, RawTable


def read(context: Context) -> Iterator[RawTable]:
    """Yield one frame a file, in the order of the files' names.

    Raises `FileRejected` if the path does not exist or holds no table.
    """
    path = context.path
    if not path.exists():
        raise FileRejected(path, "does not exist")
    _override_marking(context)
    if path.is_dir():
        yield from _folder(context)
    elif path.suffix.lower() == ".zip":
        yield from _archive(context)
    else:
        yield _raw(context, _required_table(path), path.name, read_file(path))


def _folder(context: Context) -> Iterator[RawTable]:
    found = False
    for path in sorted(context.path.iterdir()):
        if path.name == "source.yml" or path.name.startswith("."):
            continue
        table = table_of(path.name) if ending(path.name) else ""
        if not table:
            context.issue(f"{path.name} is no canonical table and was left out")
            continue
        found = True
        yield _raw(context, table, path.name, read_file(path))
    if not found:
        raise FileRejected(context.path, f"holds no canonical table ({', '.join(TABLES)})")


def _archive(context: Context) -> Iterator[RawTable]:
    found = False
    for name, content in archive_members(context.path):
        table = table_of(name)
        if not table:
            context.issue(f"{name} is no canonical table and was left out")
            continue
        found = True
        yield _raw(context, table, name, read_member(name, content, context.path))
    if not found:
        raise FileRejected(context.path, f"holds no canonical table ({', '.join(TABLES)})")


def _required_table(path: Path) -> str:
    table = table_of(path.name)
    if not ending(path.name):
        raise FileRejected(path, f"is not a file that can be read ({', '.join(ENDINGS)}, .zip)")
    if not table:
        raise FileRejected(path, f"is not named after a canonical table ({', '.join(TABLES)})")
    return table


def _raw(context: Context, table: str, name: str, frame: Frame) -> RawTable:
    return RawTable(table, name, context.number(frame), frame.broken)


def _override_marking(context: Context) -> None:
    """Take the marking from the option `marking`, else from a `source.yml` beside the files."""
    beside = (context.path if context.path.is_dir() else context.path.parent) / "source.yml"
    marking = context.options.get("marking", "")
    if not marking and beside.is_file():
        try:
            marking = (yaml.safe_load(beside.read_text(encoding="utf-8")) or {}).get("marking", "")
        except (yaml.YAMLError, UnicodeDecodeError, AttributeError) as error:
            raise FileRejected(beside, "is not a YAML mapping") from error
    if marking and marking not in MARKINGS:
        raise FileRejected(beside, f"marking {marking!r} is not one of {', '.join(MARKINGS)}")
    context.marking = marking or context.marking
