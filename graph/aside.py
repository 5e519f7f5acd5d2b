"""Folders that are written beside their place and moved there whole.

Whoever writes one holds the folder around it with a shared advisory lock, which the kernel drops
when a process dies however it dies. Who gets that lock alone knows that what was written aside
there is in nobody's use, and removes it.

Two commands may write the same folder at once: its name tells its content, so the first to move it
there wins, and the other one's is as good.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

#: A file system without such locks: nobody is ever alone there, and nothing is removed.
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EBADF, errno.EINVAL, errno.ENOSYS)


@contextlib.contextmanager
def building(parent: Path) -> Iterator[Path]:
    """An empty folder in `parent`, removed in the end unless it was moved away."""
    parent.mkdir(parents=True, exist_ok=True)
    with hold(parent, ".*"):
        folder = parent / f".building-{uuid.uuid4().hex}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def hold(folder: Path, leftovers: str) -> Iterator[None]:
    """Hold `folder` with others who do; whoever comes first removes what fits `leftovers`.

    A folder that is not there, or may not be read, is neither made nor held.
    """
    try:
        handle = os.open(folder, os.O_RDONLY)
    except (FileNotFoundError, PermissionError):
        yield
        return
    try:
        if _lock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB):
            for path in folder.glob(leftovers):
                _remove(path)
        _lock(handle, fcntl.LOCK_SH)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, mode: int) -> bool:
    try:
        fcntl.flock(handle, mode)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


def _remove(path: Path) -> None:
    """Remove a file or a folder as far as that is allowed."""
    shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


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
