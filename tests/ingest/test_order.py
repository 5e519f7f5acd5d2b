"""Rows, columns and files in another order give the same records and the same lake."""

import random
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.settings import Settings
from graph.store.lake import Lake
from ingest.pipeline import ingest

Write = Callable[..., Path]

BAD = {
    "persons": "P3,\nP4,Li\nP4,Wu\nP5,A\nP6,B\nP7,C\nP8,D\nP9,E\n",
    "relations": "E1,E77,DIRECTOR,,,\n",
}


def shuffled(text: str, seed: int) -> str:
    header, *lines = text.splitlines()
    random.Random(seed).shuffle(lines)
    return "\n".join([header, *lines]) + "\n"


def content(home: Path) -> tuple[str, int, list[str]]:
    """The fingerprint, the number of quarantined rows and their ids."""
    with Lake(Settings(home=home)) as lake:
        rows = lake.quarantine().to_pyarrow()
        return lake.fingerprint(), rows.num_rows, sorted(rows["id"].to_pylist())


def with_bad_rows(texts: dict[str, str]) -> dict[str, str]:
    padded = {
        "persons": "\n".join(
            line + ("," if line.count(",") < 2 else "") for line in BAD["persons"].splitlines()
        )
        + "\n",
        "relations": BAD["relations"],
    }
    return {name: text + padded.get(name, "") for name, text in texts.items()}


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 1_000))
def test_any_order_of_rows_gives_the_same_lake(
    write: Write, texts: dict[str, str], tmp_path: Path, seed: int
) -> None:
    changed = with_bad_rows(texts)
    straight, crooked = tmp_path / f"s{seed}", tmp_path / f"c{seed}"
    if not straight.exists():
        ingest("tables", write(f"in-s{seed}", **changed), Settings(home=straight))
    mixed = {name: shuffled(text, seed) for name, text in changed.items()}
    if not crooked.exists():
        ingest("tables", write(f"in-c{seed}", **mixed), Settings(home=crooked))
    assert content(straight) == content(crooked)
    assert content(straight)[1] == 4


def test_files_in_any_order_and_number_give_the_same_lake(
    write: Write, texts: dict[str, str], tmp_path: Path
) -> None:
    ingest("tables", write(), Settings(home=tmp_path / "whole"))
    apart = Settings(home=tmp_path / "apart")
    for number, (name, text) in enumerate(reversed(texts.items())):
        header, *lines = text.splitlines()
        for half, rows in enumerate((lines[::2], lines[1::2])):
            folder = tmp_path / f"part-{number}-{half}"
            folder.mkdir()
            (folder / f"{name}_{half}.csv").write_text("\n".join([header, *rows]) + "\n")
            ingest("tables", folder, apart)
    assert content(tmp_path / "apart") == content(tmp_path / "whole")


def test_columns_in_another_order_are_the_same_rows(
    write: Write, texts: dict[str, str], tmp_path: Path
) -> None:
    home = Settings(home=tmp_path / "home")
    ingest("tables", write(), home)
    turned = {
        "findings": "\n".join(
            ",".join(reversed(line.split(","))) for line in texts["findings"].splitlines()
        )
        + "\n"
    }
    assert ingest("tables", write("turned", **turned), home).unchanged
