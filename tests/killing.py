"""Processes that kill themselves in the middle of their work: nothing is tidied up."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

#: Where code that is run in a process of its own finds the project, these tests among it.
ROOT = Path(__file__).parents[1]


def killed(code: str, *arguments: object) -> None:
    """Run Python code that kills its own process."""
    texts = [sys.executable, "-c", code, *map(str, arguments)]
    assert subprocess.run(texts, check=False, cwd=ROOT).returncode == -signal.SIGKILL


def kill_at(wanted: str) -> None:
    """Kill this process when Python next raises this audit event."""

    def killer(event: str, arguments: tuple[Any, ...]) -> None:
        if event == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(killer)
