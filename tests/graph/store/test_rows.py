"""The rows of a lake's graph as a load takes them."""

from pathlib import Path

import pyarrow as pa
import pytest

from graph.settings import Settings
from graph.store.lake import Lake
from graph.store.rows import keep, thin_end


@pytest.mark.parametrize(
    ("sources", "targets", "end"),
    [
        (["hub", "hub", "hub"], ["a", "b", "c"], "target"),
        (["a", "b", "c"], ["hub", "hub", "hub"], "source"),
        (["a", "a", "b"], ["x", "y", "y"], "source"),
        ([], [], "source"),
    ],
)
def test_the_thin_end_is_the_one_without_the_hub(
    tmp_path: Path, sources: list[str], targets: list[str], end: str
) -> None:
    with Lake(Settings(home=tmp_path)) as lake:
        ends = {
            "source_id": pa.array(sources, pa.string()),
            "target_id": pa.array(targets, pa.string()),
        }
        keep(lake, "load_ends", pa.table(ends))
        assert thin_end(lake, "load_ends") == end
