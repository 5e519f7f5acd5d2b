"""Folders that are written beside their place and moved there whole.

Whoever writes one holds the folder around it with a shared advisory lock, which the kernel drops
when a process dies however it dies. Who gets that lock alone knows that what was written aside
there is in nobody's use, and removes it.

Two commands may write the same folder at once. Where its name tells its content, the first to move
it there wins, and the other one's is as good; else the last one does.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

#: Of Linux's fcntl.h and fs.h: paths are relative to the working folder; swap the two names.
_HERE, _EXCHANGE = -100, 2

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
    """Move the folder `written` to `place`, or leave it if what is there already is `sound`.

    Otherwise as `replace`.
    """
    if not _moved(written, place) and not sound():
        replace(written, place)


def replace(written: Path, place: Path) -> None:
    """Move the folder `written` to `place`. What was there is removed, or left at `written`.

    There is one at `place` at every moment where the system can exchange two names (Linux);
    elsewhere a process killed between two steps leaves none. Raises `OSError` when the folder
    cannot be moved.
    """
    before = written.with_name(f"{written.name}-before")
    while not _moved(written, place) and not _exchanged(written, place):
        shutil.rmtree(before, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):  # another command was faster
            place.rename(before)
    shutil.rmtree(before, ignore_errors=True)


def _moved(written: Path, place: Path) -> bool:
    """Whether `written` could be moved to `place`, where no other was then."""
    try:
        written.rename(place)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def _exchanged(first: Path, second: Path) -> bool:
    """Whether two names could be exchanged: see renameat2(2)."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE) == 0)


def read_whole(folder: Path, read: Callable[[], T]) -> T:
    """What `read` makes of the files of a folder, all of them of the same one.

    It reads again when another has taken the folder's place meanwhile. Raises what `read` raises,
    and `OSError` when there is no such folder.
    """
    while True:
        handle = os.open(folder, os.O_RDONLY)  # while it is open no other folder has its number
        try:
            found = read()
            if os.path.samestat(os.fstat(handle), folder.stat()):
                return found
        finally:
            os.close(handle)
