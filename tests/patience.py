"""Waiting for what another process or thread does."""

import time
from collections.abc import Callable

PATIENCE = 60.0  # seconds, on a busy machine


def wait_for(condition: Callable[[], bool]) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False
