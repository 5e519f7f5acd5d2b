"""Folders that are written beside their place and moved there whole.

Two commands may write the same folder at once: its name tells its content, so the first to move it
there wins, and the other one's is as good.
"""

import contextlib
import errno
import shutil
from collections.abc import Callable
from pathlib import Path


def put_in_place(written: Path, place: Path, sound: Callable[[], bool]) -> None:
    """Move the folder `written` to `place`; what is there already stays if it is `sound`.

    `written` may be left over. Raises `OSError` when the folder cannot be moved.
    """
    if place.exists() and not sound():
        damaged = written.with_name(f"{written.name}-damaged")
        with contextlib.suppress(FileNotFoundError):  # another command was faster
            place.rename(damaged)
        shutil.rmtree(damaged, ignore_errors=True)
    try:
        written.rename(place)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
