"""What was computed from a snapshot, kept for the next question about the same one."""

from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Concatenate, ParamSpec, TypeVar

from graph.snapshot import Snapshot

P = ParamSpec("P")
T = TypeVar("T")
Of = Callable[Concatenate[Snapshot, P], T]


def per_snapshot(size: int) -> Callable[[Of[P, T]], Of[P, T]]:
    """Keep the last `size` results of a function of a snapshot and hashable arguments.

    Snapshots are immutable, so their folder stands for their content. Two threads that ask for the
    same result at once may both compute it.
    """

    def decorate(function: Of[P, T]) -> Of[P, T]:
        kept: OrderedDict[object, T] = OrderedDict()
        lock = Lock()

        @wraps(function)
        def wrapper(snapshot: Snapshot, /, *args: P.args, **kwargs: P.kwargs) -> T:
            key = (snapshot.folder.absolute(), args, tuple(sorted(kwargs.items())))
            with lock:
                if key in kept:
                    kept.move_to_end(key)
                    return kept[key]
            result = function(snapshot, *args, **kwargs)
            with lock:
                kept[key] = result
                if len(kept) > size:
                    kept.popitem(last=False)
            return result

        return wrapper

    return decorate
