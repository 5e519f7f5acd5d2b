"""Seconds and peak memory of a stage, its child processes and the graph server included."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psutil

#: Seconds between two looks at memory.
INTERVAL = 0.1


@dataclass
class Measured:
    """What a stage took. `peak` is bytes of resident memory, all processes together."""

    seconds: float = 0.0
    peak: int = 0


@dataclass
class Meter:
    """Collects what each stage took, by name and in order. `others` are further process ids."""

    stages: dict[str, Measured] = field(default_factory=dict)
    others: set[int] = field(default_factory=set)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Measure the block under a name."""
        found = self.stages.setdefault(name, Measured())
        stop = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(found, stop), daemon=True)
        started = time.monotonic()
        watcher.start()
        try:
            yield
        finally:
            found.seconds += time.monotonic() - started
            stop.set()
            watcher.join()

    @property
    def seconds(self) -> float:
        """All stages together."""
        return sum(stage.seconds for stage in self.stages.values())

    @property
    def peak(self) -> int:
        """The largest peak of all stages, in bytes."""
        return max((stage.peak for stage in self.stages.values()), default=0)

    def _watch(self, found: Measured, stop: threading.Event) -> None:
        while True:
            found.peak = max(found.peak, resident(self.others))
            if stop.wait(INTERVAL):
                return


def resident(others: set[int]) -> int:
    """Bytes of resident memory of this process, its descendants and `others`."""
    own = psutil.Process()
    family = {own.pid: own, **{child.pid: child for child in own.children(recursive=True)}}
    for pid in others:
        if pid not in family and psutil.pid_exists(pid):
            family[pid] = psutil.Process(pid)
    return sum(_size(process) for process in family.values())


def _size(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return 0
