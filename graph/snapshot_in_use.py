"""Which snapshot is in use: what every command, the server and the Python door read where none is
named.

`HOME/snapshots/latest` holds its id. A build of no given day, of all that the lake knows, puts its
snapshot in use. One of a given day, past or ahead, is for who names it by its id, and put in use
only where there is none.
"""

import uuid

from graph.errors import SnapshotError
from graph.settings import Settings


def in_use(settings: Settings) -> str:
    """The id of the snapshot in use. Raises `SnapshotError` when none was built yet."""
    if not (path := settings.snapshot_folder / "latest").is_file():
        raise SnapshotError(
            f"no snapshot was built yet in {settings.home}", hint="run `hawser snapshot`"
        )
    return path.read_text("utf-8").strip()


def put_in_use(settings: Settings, identifier: str) -> None:
    """Put a snapshot in use, at once for all."""
    temporary = settings.snapshot_folder / f".latest-{uuid.uuid4().hex}"
    temporary.write_text(identifier, "utf-8")
    temporary.replace(settings.snapshot_folder / "latest")
