"""Trained models on disk: HOME/models/<version>/ with a card, the parts and the calibration."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from gnn.errors import ModelMissing
from graph.aside import building, replace
from graph.settings import Settings

CARD = "card.json"


@contextmanager
def writing(settings: Settings, version: str) -> Iterator[Path]:
    """A folder to write a model into; it takes its place whole, or not at all."""
    with building(settings.model_folder) as aside:
        yield aside
        replace(aside, settings.model_folder / version)


def find(settings: Settings, version: str | None = None, *, known_at: date = date.max) -> Path:
    """The folder of a model; when no version is given, of the one that has learnt from the latest
    knowledge up to `known_at`, of several the one trained last.

    So a snapshot of a past day is not scored by a model that knows what came out later, unless it
    is named.

    Raises:
        ModelMissing: there is no such model.
    """
    if version is not None:
        folder = settings.model_folder / version
        if (folder / CARD).exists():
            return folder
        raise ModelMissing(f"no model {version!r} in {settings.model_folder}", hint="hawser train")
    # What is still being written has a name that starts with a dot.
    folders = [path.parent for path in settings.model_folder.glob(f"[!.]*/{CARD}")]
    if not folders:
        raise ModelMissing(f"no model in {settings.model_folder}", hint="run hawser train first")
    learnt = {folder: read_card(folder).get("known_at", "") for folder in folders}
    fit = [folder for folder in folders if learnt[folder] <= known_at.isoformat()]
    if not fit:
        raise ModelMissing(
            f"every model in {settings.model_folder} has learnt from what became known after"
            f" {known_at}",
            hint="train one with hawser train --snapshot ID, or name one with --model",
        )
    return max(fit, key=lambda path: (learnt[path], (path / CARD).stat().st_mtime_ns, path.name))


def read_card(folder: Path) -> dict[str, Any]:
    """A model's card. Raises `ModelMissing` when it cannot be read."""
    try:
        card: dict[str, Any] = json.loads((folder / CARD).read_text())
    except (OSError, ValueError) as error:
        raise ModelMissing(f"{folder / CARD} cannot be read", hint="train again") from error
    return card


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write a model's card."""
    text = json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")
