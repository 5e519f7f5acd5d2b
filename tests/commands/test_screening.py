"""Files of names to screen: how they are read, and what is refused in one line."""

import os
from pathlib import Path

import polars as pl
import pytest

from commands import screening
from graph.errors import HawserError
from graph.settings import Settings
from ingest.pipeline import ingest


def quiet(what: str, share: float) -> None:
    """No progress is shown."""


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake with one list entry."""
    folder = tmp_path_factory.mktemp("in")
    (folder / "list_entries.csv").write_text(
        "entry_id,list,kind,name\nL1,watch,enterprise,Open Trading\n"
    )
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    ingest("tables", folder, settings)
    return settings


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("query\nOpen Trading\n\nNobody\n", "utf-8"),
        ("id,name\n1,Open Trading\n2,没有人\n", "gb18030"),
        ('firm,place\n"Open Trading",here\n"Nobody, Else",there\n', "utf-8"),
    ],
)
def test_names_are_read_from_their_column(
    listed: Settings, tmp_path: Path, content: str, encoding: str
) -> None:
    file, output = tmp_path / "names.csv", tmp_path / "out.csv"
    file.write_text(content, encoding=encoding)
    done = screening.screen(listed, file, output, 5, None, quiet)
    assert (done["queries"], done["matches"]) == (2, 1)
    assert "Open Trading,1,L1" in output.read_text("utf-8")


def test_a_row_with_too_many_or_too_few_fields_is_refused(listed: Settings, tmp_path: Path) -> None:
    file, output = tmp_path / "names.csv", tmp_path / "out.csv"
    file.write_text("name,place\nOpen Trading,here\nNobody, Else,there\nAlone\n")
    with pytest.raises(HawserError, match=r"row 2 has 3 fields and the header 2 \(and 1 more"):
        screening.screen(listed, file, output, 5, None, quiet)
    assert not output.exists()


def test_any_other_name_is_read_as_csv(listed: Settings, tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    text = tmp_path / "names.txt"
    text.write_text("name\nOpen Trading\n")
    assert screening.screen(listed, text, output, 5, None, quiet)["matches"] == 1
    reader, writer = os.pipe()
    os.write(writer, text.read_bytes())
    os.close(writer)
    piped = Path(f"/dev/fd/{reader}")
    assert screening.screen(listed, piped, output, 5, None, quiet)["matches"] == 1
    os.close(reader)
    with pytest.raises(HawserError, match="cannot be read"):
        screening.screen(listed, tmp_path / "none", output, 5, None, quiet)


def test_names_of_a_parquet_file_are_made_text(listed: Settings, tmp_path: Path) -> None:
    file, output = tmp_path / "names.parquet", tmp_path / "out.csv"
    for names in (
        pl.Series([7, None]),
        pl.Series(["Open Trading", "7"], dtype=pl.Categorical),
    ):
        pl.DataFrame({"name": names}).write_parquet(file)
        assert screening.screen(listed, file, output, 5, None, quiet)["queries"] == 2
    pl.DataFrame({"name": [b"\xff\xfe"]}).write_parquet(file)
    with pytest.raises(HawserError, match="the column name is no text"):
        screening.screen(listed, file, output, 5, None, quiet)
    pl.DataFrame().write_parquet(file)
    with pytest.raises(HawserError, match="has no columns"):
        screening.screen(listed, file, output, 5, None, quiet)
