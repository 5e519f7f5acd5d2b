"""What a killed process left half-written is removed by the next one; what is in use is not."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from graph import aside
from graph.aside import building, hold, put_in_place, replace
from graph.features.build import build_features
from graph.settings import Settings
from graph.snapshot import build
from graph.store.lake import Lake
from tests.killing import killed

WriteLake = Callable[..., Lake]


BUILDING = """
import os, signal, sys
from pathlib import Path
from graph.aside import building
with building(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("written")
    os.kill(os.getpid(), signal.SIGKILL)
"""

SPILLING = """
import os, signal, sys
from pathlib import Path
from graph.settings import Settings
from graph.store.lake import Lake
lake = Lake(Settings(home=Path(sys.argv[1]), memory_limit="64MB", threads=1))
lake.connection.con.execute("CREATE TEMP TABLE t AS SELECT random() AS x FROM range(20000000)")
os.kill(os.getpid(), signal.SIGKILL)
"""

FEATURES = """
import sys
from pathlib import Path
import pyarrow as pa
from graph.features.build import _write
from tests.killing import kill_at
folder, wanted = Path(sys.argv[1]), sys.argv[2]
def write(lake):
    _write(folder, {name: pa.table({"a": [lake]}) for name in ("shipments", "enterprises")},
           {"lake": lake})
write("old")
kill_at(wanted)
write("new")
"""


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    killed(BUILDING, tmp_path)
    assert [path.name[:10] for path in tmp_path.iterdir()] == [".building-"]
    with building(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]
    assert list(tmp_path.iterdir()) == []


def test_what_another_one_is_building_stays(tmp_path: Path) -> None:
    with building(tmp_path) as one, building(tmp_path) as two:
        assert sorted(tmp_path.iterdir()) == sorted([one, two])
        killed(BUILDING, tmp_path)
        assert one.is_dir()
        assert two.is_dir()
    with building(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with hold(tmp_path / "none", "*"):
        assert not list(tmp_path.iterdir())


def test_what_a_killed_query_spilled_is_removed(tmp_path: Path) -> None:
    killed(SPILLING, tmp_path)
    assert list(tmp_path.glob(".spill-*"))
    with Lake(Settings(home=tmp_path)) as lake, Lake(Settings(home=tmp_path)) as other:
        assert lake.connection
        assert not list(tmp_path.glob(".spill-*"))
        (tmp_path / ".spill-in-use").mkdir()
        assert other.connection
        assert (tmp_path / ".spill-in-use").is_dir()
    with Lake(Settings(home=tmp_path)) as lake:
        assert lake.connection
        assert not list(tmp_path.glob(".spill-*"))


def test_a_lake_that_is_not_closed_holds_nothing_once_it_is_gone(tmp_path: Path) -> None:
    lake = Lake(Settings(home=tmp_path))
    assert lake.connection
    (tmp_path / ".spill-old").mkdir()
    del lake
    with Lake(Settings(home=tmp_path)) as later:
        assert later.connection
        assert not (tmp_path / ".spill-old").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_only_be_read_can_be_held(tmp_path: Path) -> None:
    (tmp_path / ".building-old").mkdir()
    tmp_path.chmod(0o500)
    with hold(tmp_path, ".building-*"):
        assert (tmp_path / ".building-old").exists()
    tmp_path.chmod(0o700)


def written(folder: Path, text: str) -> Path:
    """A folder with a file."""
    folder.mkdir()
    (folder / "file").write_text(text)
    return folder


@pytest.mark.parametrize("sound", [True, False])
def test_a_sound_folder_stays_and_a_damaged_one_goes(tmp_path: Path, sound: bool) -> None:
    place = written(tmp_path / "place", "old")
    with building(tmp_path) as folder:
        (folder / "file").write_text("new")
        put_in_place(folder, place, lambda: sound)
    assert (place / "file").read_text() == ("old" if sound else "new")
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("exchange", [True, False])
def test_a_folder_takes_the_place_of_another_or_of_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool
) -> None:
    if not exchange:  # as where the system cannot exchange names
        monkeypatch.setattr(aside, "_exchanged", lambda first, second: False)
    place = tmp_path / "place"
    for text in ("first", "second", "third"):
        with building(tmp_path) as folder:
            (folder / "file").write_text(text)
            replace(folder, place)
        assert (place / "file").read_text() == text
        assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize(
    ("event", "kept"), [("os.rename", "old"), ("shutil.rmtree", "new"), ("os.remove", "new")]
)
def test_features_are_there_whenever_their_writer_is_killed(
    tmp_path: Path, event: str, kept: str
) -> None:
    killed(FEATURES, tmp_path / "features", event)
    told = json.loads((tmp_path / "features" / "manifest.json").read_text())
    assert told == {"lake": kept}


def test_snapshots_and_features_clear_what_was_left(tmp_path: Path, write_lake: WriteLake) -> None:
    settings = Settings(home=tmp_path)
    left = [
        folder / ".building-old" / "half"
        for folder in (settings.snapshot_folder, settings.feature_folder)
    ]
    for path in left:
        path.mkdir(parents=True)
    with write_lake(tmp_path, {}) as lake:
        build_features(lake, build(lake, settings), settings)
    assert not any(path.parent.exists() for path in left)
