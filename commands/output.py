"""What commands write: one JSON object or a table on standard output, the rest beside it.

Standard output is for answers, standard error for everything else: a script may always pipe the one
into a parser. A traceback goes to the log, never to the user.
"""

import atexit
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from graph.errors import HawserError
from graph.settings import Settings

Report = Callable[[str, float], None]

#: Most columns of an answer in words; where no terminal says how wide it is, also of a table.
WIDTH = 100

#: Keys of an answer that are told to people only when there is something to tell.
QUIET = frozenset(
    ("redacted", "withheld", "refused", "dangling", "extra_columns", "issues", "resolved",
     "quarantined", "unchanged", "note", "notes")
)  # fmt: skip

#: Seconds after which a command shows how far it has come.
PATIENCE = 2.0

logger = logging.getLogger("hawser")


def settings() -> Settings:
    """The settings in force. Raises `SettingsError`."""
    return Settings.load()


def data() -> Settings:
    """The settings in force of a data folder that is there. Raises `SettingsError`."""
    found = settings()
    found.require_data()
    return found


def answer() -> Console:
    """The console for answers (made anew, so that a redirected stream is honoured)."""
    width = None if sys.stdout.isatty() else WIDTH
    return Console(file=sys.stdout, width=width, highlight=False)


def notes() -> Console:
    """The console for everything that is not an answer."""
    return Console(file=sys.stderr, highlight=False)


def note(text: str) -> None:
    """One line beside the answer."""
    notes().print(text, markup=False, soft_wrap=True)


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` texts as a mapping. Raises `HawserError` for one without a `=`."""
    parts = [text.partition("=") for text in texts]
    for name, sign, _ in parts:
        if not sign:
            raise HawserError(f"{name!r} is not an option", hint="write NAME=VALUE")
    return {name: value for name, _, value in parts}


def plain(value: Any) -> Any:
    """`value` in terms of JSON: dates as ISO 8601, arrays as lists, NaN as null, paths as text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if hasattr(value, "__dataclass_fields__"):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return str(value)


def emit_json(value: Any) -> None:
    """Write `value` as one JSON object and a line end."""
    import orjson

    sys.stdout.write(orjson.dumps(plain(value)).decode() + "\n")
    sys.stdout.flush()


def emit(value: Any, *, json: bool, text: Callable[[], None] | None = None) -> None:
    """Answer with `value` as JSON, or for people: as `text` prints it, or key by key."""
    if json:
        emit_json(value)
    elif text is None:
        show(plain(value))
    else:
        text()


def show(value: Mapping[str, Any]) -> None:
    """Print plain data: scalars and short lists as lines, then mappings and rows as tables; of the
    `QUIET` keys only what says something."""
    value = {key: item for key, item in value.items() if key not in QUIET or _says(item)}
    tables = {key: item for key, item in value.items() if _is_table(item)}
    for key, item in value.items():
        if key not in tables:
            answer().print(f"{key:<14} {cell(item) or 'none'}")
    for key, item in tables.items():
        if isinstance(item, Mapping) and all(isinstance(one, int | float) for one in item.values()):
            answer().print(f"\n{key}", style="bold", markup=False)
            columns([f"{name} {cell(count)}" for name, count in item.items() if count])
        elif isinstance(item, Mapping):
            table(key, ("", ""), item.items())
        else:
            heads = list(dict.fromkeys(name for row in item for name in row))
            table(key, heads, ([row.get(name) for name in heads] for row in item))


def _says(item: Any) -> bool:
    """Whether there is anything but zeros and nothing in it."""
    return any(map(_says, item.values())) if isinstance(item, Mapping) else bool(item)


def columns(cells: Sequence[str]) -> None:
    """Print several cells a line, in columns as wide as the widest."""
    width = max(map(len, cells), default=1) + 3
    each = max(1, (min(answer().width, WIDTH) - 2) // width)
    for start in range(0, len(cells), each):
        line = "".join(cell.ljust(width) for cell in cells[start : start + each])
        answer().print(f"  {line.rstrip()}", markup=False, soft_wrap=True)
    if not cells:
        answer().print("  none")


def _is_table(item: Any) -> bool:
    """Whether an answer's value is drawn as a table: a mapping or a list of mappings with rows."""
    if isinstance(item, list):
        return bool(item) and all(isinstance(row, Mapping) for row in item)
    return isinstance(item, Mapping) and bool(item)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table; numbers are right-aligned, absent values empty."""
    kept = [tuple(row) for row in rows]
    drawn = Table(header_style="bold", show_edge=False, show_header=any(columns))
    for index, column in enumerate(columns):
        numbers = bool(kept) and all(isinstance(row[index], int | float | None) for row in kept)
        drawn.add_column(column, justify="right" if numbers else "left", overflow="fold")
    for row in kept:
        drawn.add_row(*(cell(value) for value in row))
    answer().print(f"\n{title}", style="bold", markup=False)
    answer().print(drawn)


def cell(value: Any) -> str:
    """A value as a table shows it."""
    from rich.markup import escape

    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, list | tuple):
        return escape("; ".join(map(cell, value)))
    if isinstance(value, Mapping):
        return "; ".join(f"{escape(str(key))} {cell(item)}" for key, item in value.items())
    return escape(str(value))


@contextmanager
def working(title: str) -> Iterator[Report]:
    """Run a stage: gives the callback it reports to, and keeps its prints off standard output.

    On a terminal a bar appears on standard error once the stage has run for `PATIENCE` seconds.
    """
    with _stdout_to_stderr():
        console = notes()
        if not console.is_terminal:
            yield _ignore
            return
        with _bar(console, title) as report:
            yield report


def _ignore(what: str, fraction: float) -> None:
    """The report of a stage nobody watches."""


@contextmanager
def _bar(console: Console, title: str) -> Iterator[Report]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=console, transient=True)
    task = progress.add_task(title, total=1.0)
    timer = threading.Timer(PATIENCE, progress.start)
    timer.daemon = True
    timer.start()

    def report(what: str, fraction: float) -> None:
        progress.update(task, description=f"{title}: {what}", completed=min(fraction, 1.0))

    try:
        yield report
    finally:
        timer.cancel()
        timer.join()
        progress.stop()


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Send what libraries print to standard output, from Python or C, to standard error."""
    sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:
        yield
        return
    saved = sys.stdout
    try:
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        yield
    finally:
        sys.stdout = saved
        os.dup2(kept, 1)
        os.close(kept)


class _LogFile(RotatingFileHandler):
    """A log file whose folder is made only when there is something to write."""

    def _open(self) -> Any:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()


def log_file() -> Path:
    """Where the log is. Falls back to the default folder when the settings cannot be read."""
    with suppress(HawserError):
        return settings().home / "logs" / "hawser.log"
    return Path("hawser-data") / "logs" / "hawser.log"


def start_log() -> None:
    """Send warnings and errors of all libraries to the log file, and nowhere else."""
    handler = _LogFile(log_file(), maxBytes=5_000_000, backupCount=3, delay=True, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    for earlier in [one for one in root.handlers if isinstance(one, _LogFile)]:
        root.removeHandler(earlier)
        earlier.close()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)


def refuse(error: HawserError) -> int:
    """Tell an expected error in one line; gives the exit status."""
    notes().print(f"hawser: {' '.join(str(error).split())}", markup=False, soft_wrap=True)
    return 1


def fail(error: BaseException) -> int:
    """Tell an unexpected error in one line and log its traceback; gives the exit status."""
    logger.error("".join(traceback.format_exception(error)))
    first = (str(error).strip().splitlines() or [""])[0]
    notes().print(
        f"hawser: unexpected {type(error).__name__}: {first} (details: {log_file()})",
        markup=False,
        soft_wrap=True,
    )
    return 1


def leave(status: int) -> NoReturn:
    """End the process: what was registered for its end runs, then it ends at once.

    The interpreter is not taken down piece by piece. Once ingest and training have run in one
    process, libraries still hold DuckDB's types then, and its binding (nanobind) would list each of
    them on standard error after the answer.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody reads any more
            stream.flush()
    os._exit(status)
