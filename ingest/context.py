"""What a source's reader is given and what it hands back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from graph.files import FileRejected, Frame
from graph.ontology import MARKINGS
from ingest.errors import SourceError

#: Columns that a reader may add to say where each row of its frame comes from; left out, they are
#: `RawTable.file`, the rows' place in the frame, the source's marking and the day of ingest.
FILE, ROW, MARKING, DAY = "__file", "__row", "__marking", "__day"

#: Where a checked frame keeps the columns that its table does not have.
EXTRA = "__extra"


@dataclass(frozen=True)
class SourceDeclaration:
    """What `source.yml` says of a source.

    `expected` maps a table to the least and most rows it should have; `fixes` maps a column to the
    values to be replaced when read (an empty replacement is "unknown"). `ignored` names columns
    that are left out on purpose, `facts` what else the reader has to know.
    """

    name: str
    title: str
    publisher: str
    licence: str
    marking: str
    description: str = ""
    expected: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    fixes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ignored: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.marking not in MARKINGS:
            raise SourceError(
                f"source {self.name}: marking {self.marking!r} is not one of {', '.join(MARKINGS)}"
            )


@dataclass(frozen=True)
class RawTable:
    """Rows of one canonical table as a file has them, one frame a file.

    Columns have canonical names; others are reported and left out. Any column may be text.
    """

    table: str
    file: str
    frame: pl.DataFrame
    broken: pl.DataFrame | None = None


@dataclass
class Context:
    """Handed to `read(context)`: what to read, and where to report."""

    source: SourceDeclaration
    path: Path
    options: Mapping[str, str] = field(default_factory=dict)
    issues: list[str] = field(default_factory=list)
    marking: str = ""

    def __post_init__(self) -> None:
        self.marking = self.marking or self.source.marking

    def issue(self, text: str) -> None:
        """Report something that does not stop the load."""
        if text not in self.issues:
            self.issues.append(text)

    def fix(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Replace the values that `fixes` names in the columns that the frame has."""
        changes = [
            pl.col(column).replace({old: new or None for old, new in values.items()})
            for column, values in self.source.fixes.items()
            if column in frame.columns
        ]
        return frame.with_columns(changes)

    def audit(self, frame: pl.DataFrame, file: str, used: Iterable[str]) -> None:
        """Report the columns of a file that are neither used nor ignored by name, and refuse it
        where one that is used is missing. Raises `FileRejected`."""
        used = set(used)
        missing = sorted(used - set(frame.columns))
        if missing:
            raise FileRejected(
                file, f"lacks the column {', '.join(missing)} of {self.source.title}"
            )
        for name in frame.columns:
            if name not in used and name not in self.source.ignored and not name.startswith("__"):
                self.issue(f"{file}: the column {name!r} is not known and was left out")

    def number(self, frame: Frame) -> pl.DataFrame:
        """A file's rows with their numbers."""
        return frame.frame.with_columns(frame.rows.alias(ROW))

    def name(self, path: Path) -> str:
        """A file's name as provenance keeps it: below the folder that was given."""
        base = self.path if self.path.is_dir() else self.path.parent
        return path.relative_to(base).as_posix()


def list_sources() -> list[SourceDeclaration]:
    """Every source that can be ingested, by name. Raises `SourceError` on a bad declaration."""
    folder = Path(str(files("ingest.sources")))
    return [declaration(path.parent.name) for path in sorted(folder.glob("*/source.yml"))]


def declaration(name: str) -> SourceDeclaration:
    """The declaration of a source. Raises `SourceError` if there is none."""
    path = Path(str(files("ingest.sources"))) / name / "source.yml"
    if not name.isidentifier() or not path.is_file():
        known = ", ".join(
            sorted(each.parent.name for each in path.parent.parent.glob("*/source.yml"))
        )
        raise SourceError(f"no source {name!r}", hint=f"known are {known}")
    return parse_declaration(name, path)


def parse_declaration(name: str, path: Path) -> SourceDeclaration:
    """Read a `source.yml`. Raises `SourceError`."""
    try:
        values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        expected = {key: (low, high) for key, (low, high) in (values.pop("expected", {})).items()}
        return SourceDeclaration(name, **values, expected=expected)
    except (OSError, yaml.YAMLError, TypeError, ValueError, AttributeError) as error:
        line = " ".join(str(error).split())
        raise SourceError(f"{path} cannot be used ({line})") from error


def files_at(path: Path, pattern: str) -> list[Path]:
    """The file given, or the files of the folder given whose names match, by name.

    Raises `FileRejected` if there is none.
    """
    if not path.exists():
        raise FileRejected(path, "does not exist")
    if path.is_file():
        return [path]
    found = sorted(each for each in path.glob(pattern) if each.is_file())
    if not found:
        raise FileRejected(path, f"holds no file {pattern}")
    return found


def read_source(context: Context) -> Iterable[RawTable]:
    """Run a source's reader."""
    module = import_module(f"ingest.sources.{context.source.name}.read")
    tables: Iterable[RawTable] = module.read(context)
    return tables


@dataclass
class IngestReport:
    """What an ingest did.

    `accepted` counts new statements and `quarantined` newly quarantined rows, each by table;
    `unchanged` is true when nothing of it was new.
    """

    source: str
    batches: list[str] = field(default_factory=list)
    accepted: dict[str, int] = field(default_factory=dict)
    quarantined: dict[str, int] = field(default_factory=dict)
    unchanged: bool = True
    extra_columns: dict[str, list[str]] = field(default_factory=dict)
    issues: list[str] = field(default_factory=list)
    resolved: int = 0
    recorded_at: date | None = None
