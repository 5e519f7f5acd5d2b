"""Models and scores take their place whole; a writer that is killed leaves what was there."""

from datetime import date
from pathlib import Path

import pytest

from gnn import registry
from gnn.errors import ModelMissing
from graph.scores import open_scores
from graph.settings import Settings
from tests.killing import killed

CARD_ONLY = """
import os, signal, sys
from pathlib import Path
from gnn import registry
from graph.settings import Settings
with registry.writing(Settings(home=Path(sys.argv[1])), "killed") as folder:
    registry.write_card(folder, {})
    os.kill(os.getpid(), signal.SIGKILL)
"""

SCORES = """
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from gnn.infer import _write
from graph.scores import ENTERPRISE_SCHEMA, SHIPMENT_SCHEMA
from graph.settings import Settings
from graph.snapshot import Snapshot
from tests.killing import kill_at
home, wanted = sys.argv[1:]
day = date(2026, 1, 1)
snapshot = Snapshot(Path(), "s", day, day, {}, {})
tables = SHIPMENT_SCHEMA.empty_table(), ENTERPRISE_SCHEMA.empty_table()
def write(model):
    _write(Settings(home=Path(home)), snapshot, SimpleNamespace(version=model), *tables)
write("old")
kill_at(wanted)
write("new")
"""


def test_a_model_that_was_never_finished_is_not_found_and_goes(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    killed(CARD_ONLY, tmp_path)
    (left,) = settings.model_folder.glob(f"*/{registry.CARD}")
    with pytest.raises(ModelMissing, match="no model in"):
        registry.find(settings)
    with registry.writing(settings, "m") as folder:
        registry.write_card(folder, {"n": 1})
        with registry.writing(settings, "other") as second:
            registry.write_card(second, {})
        assert folder.exists()
    assert not left.exists()
    assert sorted(path.name for path in settings.model_folder.iterdir()) == ["m", "other"]
    assert registry.find(settings, "m").name == "m"


def test_the_model_in_use_knows_nothing_of_later_days(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    for name, day in (("june", "2025-06-30"), ("march", "2026-03-12"), ("may", "2025-05-31")):
        with registry.writing(settings, name) as folder:
            registry.write_card(folder, {"known_at": day})
    assert registry.find(settings).name == "march"
    assert registry.find(settings, known_at=date(2026, 3, 11)).name == "june"
    assert registry.find(settings, known_at=date(2025, 6, 30)).name == "june"
    assert registry.find(settings, "march", known_at=date(2025, 6, 30)).name == "march"
    with pytest.raises(ModelMissing, match="what became known after 2025-01-01"):
        registry.find(settings, known_at=date(2025, 1, 1))


@pytest.mark.parametrize(
    ("event", "kept"), [("os.rename", "old"), ("shutil.rmtree", "new"), ("os.remove", "new")]
)
def test_scores_are_there_whenever_their_writer_is_killed(
    tmp_path: Path, event: str, kept: str
) -> None:
    settings = Settings(home=tmp_path)
    killed(SCORES, tmp_path, event)
    assert open_scores(settings, "s").model == kept
    assert open_scores(settings).snapshot == "s"
