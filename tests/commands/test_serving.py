"""The API beside its parent: it answers, and it never outlives the parent."""

import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlparse

ROOT = Path(__file__).parents[2]
PARENT = """
import sys, time
from pathlib import Path
from commands import serving
from graph.settings import Settings
with serving.beside(Settings(home=Path(sys.argv[1]), api_port=0)) as address:
    print(address, flush=True)
    time.sleep(300)
"""


def answers(address: str) -> bool:
    where = urlparse(address)
    try:
        socket.create_connection((where.hostname, where.port), timeout=1).close()
    except OSError:
        return False
    return True


def test_the_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert parent.stdout is not None
    address = parent.stdout.readline().strip()
    assert answers(address)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 30
    while answers(address) and time.monotonic() < until:
        time.sleep(0.2)
    assert not answers(address)
