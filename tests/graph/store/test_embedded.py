"""The embedded server's life: shared, restarted after a crash, never left behind."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from graph.errors import GraphUnreachable
from graph.settings import Settings
from graph.store.bolt import GraphStore
from graph.store.server_folder import server_folder, try_lock
from tests.patience import wait_for

ROOT = Path(__file__).parents[3]

CLIENT = """
import sys, time
from pathlib import Path
from graph.settings import Settings
from graph.store.bolt import GraphStore
store = GraphStore.open(Settings(home=Path(sys.argv[1]), embedded_heap="256m", embedded_idle=0.5))
print("open", flush=True)
for number in range(1_000_000):
    store.write("one", "CREATE (n:Enterprise {id: $id})", {"id": f"e{number}"})
    print(number, flush=True)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", embedded_heap="256m", embedded_idle=0.5)


def gone(pid: int) -> bool:
    """Whether the process has ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def server_pid(settings: Settings) -> int:
    address = server_folder(settings.home).running()
    assert address is not None
    return address.pid


def test_two_users_share_a_server_and_it_goes_with_the_last(settings: Settings) -> None:
    with GraphStore.open(settings) as first:
        pid = server_pid(settings)
        with GraphStore.open(settings) as second:
            assert second.uri == first.uri
            first.write("one", "CREATE (n:Enterprise {id: 'e1'})", {})
            assert second.read("ids", "MATCH (n) RETURN n.id AS id", {}) == [{"id": "e1"}]
        time.sleep(1.0)
        assert not gone(pid), "one user is left"
    assert wait_for(lambda: gone(pid))


def test_its_password_is_for_its_owner_and_it_listens_on_loopback_only(settings: Settings) -> None:
    with GraphStore.open(settings):
        folder = server_folder(settings.home)
        assert stat.S_IMODE(folder.password_file.stat().st_mode) == 0o600
        process = psutil.Process(server_pid(settings))
        assert folder.password not in " ".join(process.cmdline())
        listening = {c.laddr.ip for c in process.net_connections() if c.status == "LISTEN"}
        assert listening <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}


def test_a_killed_client_leaves_no_server_and_loses_nothing(settings: Settings) -> None:
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(settings.home)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert client.stdout is not None
    assert client.stdout.readline() == "open\n"
    pid = server_pid(settings)
    for _ in range(5):
        acknowledged = int(client.stdout.readline())
    os.kill(pid, signal.SIGKILL)
    client.kill()
    client.stdout.close()
    client.wait()
    assert wait_for(lambda: gone(pid))
    with GraphStore.open(settings) as store:
        ids = {row["id"] for row in store.read("ids", "MATCH (n:Enterprise) RETURN n.id AS id", {})}
        pid = server_pid(settings)
    assert {f"e{number}" for number in range(acknowledged + 1)} <= ids
    assert wait_for(lambda: gone(pid))


def test_only_the_client_is_killed(settings: Settings) -> None:
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(settings.home)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert client.stdout is not None
    client.stdout.readline()
    pid = server_pid(settings)
    client.kill()
    client.stdout.close()
    client.wait()
    assert wait_for(lambda: gone(pid))


def test_a_dead_server_is_told_in_one_line(settings: Settings) -> None:
    with GraphStore.open(settings) as store:
        os.kill(server_pid(settings), signal.SIGKILL)
        with pytest.raises(GraphUnreachable, match=r"has died \(query one\)") as caught:
            for number in range(100):
                store.write("one", "CREATE (n:Enterprise {id: $id})", {"id": f"e{number}"})
        assert "\n" not in str(caught.value)


def taken(lock: Path) -> bool:
    with try_lock(lock, shared=True) as free:
        return free is None


def asked_for(lock: Path) -> bool:
    """Whether a server that this process started has opened a lock's file, as who waits has."""
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):  # it has ended, or is only starting
            if str(lock) in (file.path for file in child.open_files()):
                return True
    return False


def persons(settings: Settings) -> int:
    with GraphStore.open(settings) as store:
        count: int = store.read("count", "MATCH (p:Person) RETURN count(p) AS n", {})[0]["n"]
    return count


def test_a_server_that_starts_in_the_middle_of_a_swap_serves_the_new_graph(
    settings: Settings,
) -> None:
    folder = server_folder(settings.home)
    with GraphStore.open(settings) as store:
        store.write("one", "CREATE (p:Person {id: 'a'})", {})
    assert wait_for(lambda: not taken(folder.server_lock))
    with ThreadPoolExecutor() as pool:
        with try_lock(folder.swap_lock, shared=False) as mine:
            assert mine is not None
            shutil.copytree(folder.databases / "graph", folder.databases / "graph-new")
            read = pool.submit(persons, settings)
            assert wait_for(lambda: asked_for(folder.swap_lock))
            assert taken(folder.server_lock)
            folder.point_to("graph-new")
        assert read.result() == 1
    assert [path.name for path in folder.databases.iterdir() if path.is_dir()] == ["graph-new"]


def test_a_graph_that_is_missing_is_not_replaced_by_an_empty_one(settings: Settings) -> None:
    folder = server_folder(settings.home)
    folder.create()
    folder.point_to("graph-gone")
    with pytest.raises(GraphUnreachable, match=r"graph-gone is missing: run `hawser load --reb"):
        persons(settings)
    assert not (folder.databases / "graph-gone").exists()
