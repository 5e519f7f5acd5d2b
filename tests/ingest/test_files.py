"""Files that are odd are read, files that cannot be read are refused in one line."""

import errno
import gzip
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from graph.errors import BatchRejected, HawserError, LakeBusy
from graph.files import read_csv, read_file
from graph.settings import Settings
from graph.store.lake import Lake
from ingest.pipeline import ingest

Write = Callable[..., Path]
PERSONS = "person_id,name\nP1,李四\nP2,王五\n"
# Without its moment of writing: what tests are called must be the same in every process.
GZIPPED = gzip.compress(PERSONS.encode(), mtime=0)


@pytest.fixture
def filled(settings: Settings, write: Write) -> tuple[Settings, str]:
    """A lake with something in it, and its fingerprint."""
    ingest("tables", write(), settings)
    with Lake(settings) as lake:
        return settings, lake.fingerprint()


def refused(filled: tuple[Settings, str], path: Path) -> str:
    """The one line with which `path` is refused; checks that the lake is as it was."""
    settings, before = filled
    with pytest.raises(HawserError) as caught:
        ingest("tables", path, settings)
    with Lake(settings) as lake:
        assert lake.fingerprint() == before
        assert len(lake.batches()) == 1
    assert not (settings.lake_folder / "staging").exists()
    line = str(caught.value)
    assert "\n" not in line
    return line


def names(settings: Settings) -> set[str]:
    with Lake(settings) as lake:
        found: list[str] = lake.table("persons").to_pyarrow()["name"].to_pylist()
    return set(found)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("persons.csv", PERSONS.encode("utf-8-sig")),
        ("persons.csv", PERSONS.encode("gb18030")),
        ("persons.csv", PERSONS.replace("\n", "\r\n").encode()),
        ("persons.csv", PERSONS.rstrip("\n").encode()),
        ("persons.csv", b"\n\n" + PERSONS.replace("\n", "\n\n").encode()),
        ("PERSONS-2024.csv", PERSONS.encode()),
        ("persons.csv.gz", GZIPPED),
    ],
)
def test_csv_in_its_many_forms(
    settings: Settings, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    ingest("tables", tmp_path / name, settings)
    assert names(settings) == {"李四", "王五"}


def test_parquet_and_zip(settings: Settings, tmp_path: Path) -> None:
    pl.read_csv(PERSONS.encode()).write_parquet(tmp_path / "persons.parquet")
    ingest("tables", tmp_path / "persons.parquet", settings)
    assert names(settings) == {"李四", "王五"}
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("in/persons.csv", PERSONS.replace("P1,李四", "P3,赵六"))
        archive.write(tmp_path / "persons.parquet", "persons.parquet")
        archive.writestr("read.me", "nothing")
    assert ingest("tables", tmp_path / "all.zip", settings).accepted == {"persons": 1}
    assert names(settings) == {"李四", "王五", "赵六"}


def test_typed_parquet_gives_the_records_of_csv(
    settings: Settings, write: Write, tmp_path: Path
) -> None:
    folder = write()
    typed = tmp_path / "typed"
    typed.mkdir()
    for path in folder.iterdir():
        pl.read_csv(
            path, try_parse_dates=True, schema_overrides={"hs_code": pl.String}
        ).write_parquet(typed / f"{path.stem}.parquet")
    assert ingest("tables", folder, settings).unchanged is False
    assert ingest("tables", typed, settings).unchanged is True


def test_quoted_fields_may_hold_commas_quotes_and_line_feeds() -> None:
    text = b'a,b\n"1, ""x""",2\n"3\n4",5\n6\n7,8,9\n10,11\n'
    read = read_csv(text, Path("x.csv"))
    assert read.frame.rows() == [('1, "x"', "2"), ("3\n4", "5"), ("10", "11")]
    assert read.rows.to_list() == [1, 2, 5]
    assert read.broken.rows() == [(3, "6", 1), (4, "7,8,9", 3)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id,name\n1,甲\n2,乙\n\n", ["甲", "乙"]),
        ("id,name\n1,甲\n2,乙\n\n\n", ["甲", "乙"]),
        ("id,name\r\n1,甲\r\n2,乙\r\n\r\n", ["甲", "乙"]),
        ("\n\nid,name\n1,甲\n\n2,乙\n\n", ["甲", "乙"]),
        ("id,name\n1,甲\n2,乙", ["甲", "乙"]),
        ("id,name\r\n1,甲\r\n2,乙\r\n\r", ["甲", "乙"]),
        ('id,name\n1,"甲\n"\n\n', ["甲\n"]),
        ('id,name\n1,"甲\n"', ["甲\n"]),
        ("id,name\n\n\n", []),
        ("id,name\r\n\r\n", []),
    ],
)
def test_blank_lines_at_the_end_are_no_rows(text: str, expected: list[str]) -> None:
    read = read_csv(text.encode(), Path("x.csv"))
    assert read.frame["name"].to_list() == expected
    assert read.rows.to_list() == list(range(1, len(expected) + 1))
    assert read.broken.is_empty()


def test_a_header_alone_is_no_row(tmp_path: Path) -> None:
    (tmp_path / "persons.csv").write_text("person_id,name\n")
    assert read_file(tmp_path / "persons.csv").frame.shape == (0, 2)


UNREADABLE = [
    ("persons.csv", b"", "is empty"),
    ("persons.csv", b" \n\n", "is empty"),
    ("persons.csv", "person_id,name\nP1,é\n".encode("latin-1"), "save it as UTF-8 or GB 18030"),
    ("persons.csv", PERSONS.encode("utf-16"), "save it as UTF-8 or GB 18030"),
    ("persons.csv", b'person_id,name\nP1,"Li\nP2,Wu\n', "never closed"),
    (
        "persons.csv",
        b"person_id,birth_date\nP1,2000-01-01\n",
        "required column name (it has person_id, birth_date)",
    ),
    ("persons.csv", PERSONS.replace(",", ";").encode(), "it has person_id;name in one column: sep"),
    ("persons.csv", b"a,b,c,d,e,f,g,h\n", "column person_id, name (it has a, b, c, d, e, f and 2"),
    ("persons.csv", b"person_id,name,name\nP1,a,b\n", "more than once"),
    ("persons.csv.gz", GZIPPED[:-6], "truncated gzip"),
    ("persons.csv.gz", PERSONS.encode(), "truncated gzip"),
    ("persons.parquet", b"PAR1 and no more", "not a complete Parquet file"),
    ("persons.zip", b"PK\x03\x04 and no more", "truncated zip"),
    ("people.csv", PERSONS.encode(), "not named after a canonical table"),
    ("persons.xlsx", b"x", "not a file that can be read"),
]


@pytest.mark.parametrize(("name", "content", "line"), UNREADABLE)
def test_what_cannot_be_read_is_refused_whole(
    filled: tuple[Settings, str], tmp_path: Path, name: str, content: bytes, line: str
) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / name).write_bytes(content)
    assert line in refused(filled, folder / name)


def test_truncated_parquet_is_refused(filled: tuple[Settings, str], tmp_path: Path) -> None:
    path = tmp_path / "persons.parquet"
    pl.DataFrame({"person_id": ["P1"] * 9999, "name": ["Li"] * 9999}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert "not a complete Parquet file" in refused(filled, path)


def test_one_unreadable_file_refuses_its_whole_folder(
    filled: tuple[Settings, str], write: Write
) -> None:
    folder = write("again", persons=PERSONS)
    (folder / "findings.parquet").write_bytes(b"PAR1")
    assert "findings.parquet" in refused(filled, folder)


def test_folders_and_missing_paths_are_refused(
    filled: tuple[Settings, str], tmp_path: Path
) -> None:
    (tmp_path / "in" / "persons.csv").mkdir(parents=True)
    assert "is a folder, not a file" in refused(filled, tmp_path / "in")
    assert "does not exist" in refused(filled, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "holds no canonical table" in refused(filled, tmp_path / "empty")


def test_a_second_writer_is_told_to_wait(filled: tuple[Settings, str], write: Write) -> None:
    settings, _ = filled
    with Lake(settings).writing():
        with pytest.raises(LakeBusy, match="another process is writing") as caught:
            ingest("tables", write(), settings)
        assert "\n" not in str(caught.value)
    assert ingest("tables", write(), settings).unchanged


def test_a_full_disk_is_one_line_and_leaves_nothing_behind(filled: tuple[Settings, str]) -> None:
    settings, before = filled
    lake = Lake(settings)
    with (
        pytest.raises(BatchRejected, match=r"disk of .* is full: free some space"),
        lake.writing() as staging,
    ):
        (staging / "half.parquet").write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not (settings.lake_folder / "staging").exists()
    assert lake.fingerprint() == before


LIMITED = """
import resource, signal, sys
from pathlib import Path
from graph.errors import HawserError
from graph.settings import Settings
from ingest.pipeline import ingest
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    ingest("tables", Path(sys.argv[1]), Settings(home=Path(sys.argv[2])))
except HawserError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file size are those of Unix")
def test_a_real_failure_to_write_is_one_line(filled: tuple[Settings, str], tmp_path: Path) -> None:
    settings, before = filled
    path = tmp_path / "persons.csv"
    path.write_text("person_id,name\n" + "".join(f"X{i},Name {i * 7919}\n" for i in range(60_000)))
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path), str(settings.home)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=True,
    )
    assert done.stdout.startswith(("cannot write to", "the disk of")), done.stdout + done.stderr
    assert done.stdout.count("\n") == 1
    with Lake(settings) as lake:
        assert lake.fingerprint() == before
    assert not (settings.lake_folder / "staging").exists()
