"""Reading files into frames: CSV (UTF-8 or GB18030), Parquet, gzip and zip, checked on the way.

A row of a CSV file with the wrong number of fields does not stop the file: it comes back in
`Frame.broken`. What cannot be read at all raises `FileRejected` with one line.
"""

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graph.errors import BatchRejected
from graph.tables import TABLES

#: Endings of files that can be read.
ENDINGS = (".csv", ".csv.gz", ".parquet")

#: Bytes that an archive may hold when unpacked.
MOST_UNPACKED = 64 << 30

_SAVE = "save it as UTF-8 or GB 18030"
_SLICE = 1 << 25
_QUOTE, _COMMA, _NEWLINE, _RETURN = b'"'[0], b","[0], b"\n"[0], b"\r"[0]


class FileRejected(BatchRejected):
    """A file cannot be read at all, so nothing of what it came with is used; carries its path."""

    def __init__(self, path: object, problem: str, *, hint: str = "nothing was changed") -> None:
        super().__init__(f"{path}: {problem}", hint=hint)
        self.path = path


@dataclass(frozen=True)
class Frame:
    """A file's rows. `rows` numbers them, 1 = first data row.

    `broken` has the rows that could not be split into fields: `row`, `text`, `found` (number of
    fields).
    """

    rows: pl.Series
    frame: pl.DataFrame
    broken: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(
            schema={"row": pl.Int64, "text": pl.String, "found": pl.Int64}
        )
    )


def ending(name: str) -> str:
    """The ending of a readable file's name, or an empty text."""
    lowered = name.lower()
    return next((end for end in (".csv.gz", ".csv", ".parquet") if lowered.endswith(end)), "")


def table_of(name: str) -> str:
    """The table a file's name stands for: `shipments.csv`, `shipments-2024.parquet`; or empty."""
    stem = Path(name).name
    stem = stem[: len(stem) - len(ending(stem))].lower()
    named = [table for table in TABLES if re.fullmatch(rf"{table}([-_.].*)?", stem)]
    return max(named, key=len, default="")


def read_file(path: Path) -> Frame:
    """Read a CSV or Parquet file. Raises `FileRejected`."""
    kind = ending(path.name)
    if path.is_dir():
        raise FileRejected(path, "is a folder, not a file")
    if not kind:
        raise FileRejected(path, f"is not a file that can be read ({', '.join(ENDINGS)})")
    try:
        if kind == ".parquet":
            return _numbered(read_parquet(path, path))
        return read_csv(unpacked(path.read_bytes(), kind == ".csv.gz", path), path)
    except OSError as error:
        raise FileRejected(path, f"cannot be read ({error.strerror or error})") from error


def archive_members(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names and content of a zip archive's readable files, by name. Raises `FileRejected`."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > MOST_UNPACKED:
                raise FileRejected(path, "is larger unpacked than 64 GiB")
            for name in sorted(archive.namelist()):
                if ending(name):
                    yield name, archive.read(name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FileRejected(path, f"is a damaged or truncated zip archive ({error})") from error


def read_member(name: str, content: bytes, path: Path) -> Frame:
    """Read one file of an archive. Raises `FileRejected`."""
    told = Path(f"{path}!{name}")
    if ending(name) == ".parquet":
        return _numbered(read_parquet(io.BytesIO(content), told))
    return read_csv(unpacked(content, ending(name) == ".csv.gz", told), told)


def unpacked(content: bytes, packed: bool, path: Path) -> bytes:
    """The content of a gzip file, or the content itself. Raises `FileRejected`."""
    if not packed:
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileRejected(path, f"is damaged or truncated gzip ({error})") from error


def read_parquet(source: Path | io.BytesIO, path: Path) -> pl.DataFrame:
    """Read a Parquet file whole. Raises `FileRejected`."""
    try:
        return pl.read_parquet(source, use_pyarrow=False)
    except pl.exceptions.PolarsError as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileRejected(path, f"is not a complete Parquet file ({line})") from error


def read_csv(content: bytes, path: Path, *, header: tuple[str, ...] = ()) -> Frame:
    """Read CSV text, every field as text. `header` names the columns of a file without a header.

    Raises `FileRejected` for an empty file, another encoding than UTF-8 and GB18030, a quotation
    that never ends, and a header with a name twice or a NUL byte.
    """
    data = as_utf8(content, path)
    if not data.strip():
        raise FileRejected(path, "is empty")
    ends, found = _records(data, path)
    names = list(header) or _header(data, ends, path)
    starts = np.concatenate([[0], ends[:-1] + 1])
    blank = _blank(data, starts, ends)
    skipped = 0 if header else int(np.argmin(blank)) + 1
    numbers = np.cumsum(~blank[skipped:])[~blank[skipped:]]
    starts, ends, found = (array[skipped:][~blank[skipped:]] for array in (starts, ends, found))
    fits = found == len(names)
    kept = _join(data, starts, ends, fits)
    frame = _parse(kept, names, path)
    if frame.height != int(fits.sum()):
        raise FileRejected(path, "has quotation marks that do not pair up")
    broken = pl.DataFrame(
        {
            "row": numbers[~fits],
            "text": _cut(data, starts[~fits], ends[~fits]),
            "found": found[~fits],
        },
        schema={"row": pl.Int64, "text": pl.String, "found": pl.Int64},
    )
    return Frame(pl.Series("row", numbers[fits], dtype=pl.Int64), frame, broken)


def as_utf8(content: bytes, path: Path) -> bytes:
    """Content in UTF-8 without byte order mark. Raises `FileRejected` if it is neither UTF-8 nor
    GB18030."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in content:
        raise FileRejected(path, f"is not text in UTF-8 or GB18030 (it has NUL bytes): {_SAVE}")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return content.decode("gb18030").encode("utf-8")
        except UnicodeDecodeError as error:
            raise FileRejected(
                path, f"is neither UTF-8 nor GB18030 text (byte {error.start}): {_SAVE}"
            ) from error
    return content


def _numbered(frame: pl.DataFrame) -> Frame:
    return Frame(pl.Series("row", np.arange(1, frame.height + 1), dtype=pl.Int64), frame)


def _records(data: bytes, path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each record ends (its line feed) and how many fields it has.

    Line feeds and commas inside quotation marks do not count. O(bytes), in slices.
    """
    if not data.endswith(b"\n"):
        data += b"\n"
    view = np.frombuffer(data, dtype=np.uint8)
    ends, commas, inside = [], [], False
    for at in range(0, len(view), _SLICE):
        part = view[at : at + _SLICE]
        quoted = np.bitwise_xor.accumulate(part == _QUOTE) ^ inside
        inside = bool(quoted[-1])
        ends.append(np.flatnonzero((part == _NEWLINE) & ~quoted) + at)
        commas.append(np.flatnonzero((part == _COMMA) & ~quoted) + at)
    if inside:
        raise FileRejected(path, "has a quotation mark that is never closed")
    end = np.concatenate(ends).astype(np.int64)
    before = np.searchsorted(np.concatenate(commas), end)
    return end, np.diff(before, prepend=0).astype(np.int64) + 1


def _blank(data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which records have nothing in them but a carriage return."""
    view = np.frombuffer(data, dtype=np.uint8)
    length = np.minimum(ends, len(view)) - starts
    first = view[np.minimum(starts, len(view) - 1)]
    blank: NDArray[np.bool_] = (length == 0) | ((length == 1) & (first == _RETURN))
    return blank


def _header(data: bytes, ends: NDArray[np.int64], path: Path) -> list[str]:
    start = len(data) - len(data.lstrip(b"\r\n"))
    line = data[start : int(ends[ends >= start][0])]
    cells = pl.read_csv(line.rstrip(b"\r"), has_header=False, infer_schema=False).row(0)
    names = [(cell or "").strip() for cell in cells]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileRejected(path, f"has the column {twice[0]!r} more than once")
    return names


def _join(
    data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64], fits: NDArray[np.bool_]
) -> bytes:
    """The bytes of the records that fit; picked out only where there is something between them."""
    if not len(starts):
        return b""
    if fits.all() and np.array_equal(starts[1:], ends[:-1] + 1):
        # Blank lines after the last record would be read as records of their own.
        return data[int(starts[0]) : int(ends[-1]) + 1]
    marks = np.zeros(len(data) + 2, dtype=np.int8)
    marks[starts[fits]] += 1
    marks[ends[fits] + 1] -= 1
    inside = np.cumsum(marks, dtype=np.int8)[: len(data)].astype(bool)
    kept: bytes = np.frombuffer(data, dtype=np.uint8)[inside].tobytes()
    return kept


def _cut(data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> list[str]:
    return [
        data[start:end].decode("utf-8").rstrip("\r")
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


def _parse(data: bytes, names: list[str], path: Path) -> pl.DataFrame:
    schema = dict.fromkeys(names, pl.String)
    if not data.strip():
        return pl.DataFrame(schema=schema)
    try:
        return pl.read_csv(data, has_header=False, schema=schema, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileRejected(path, f"is not well-formed CSV ({line})") from error
