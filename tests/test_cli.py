"""The commands as a user runs them: answers, exit statuses, one line for what is refused."""

import csv
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import pytest

import cli
from graph.settings import Settings
from graph.store.lake import Lake

ROOT = Path(__file__).parents[1]
COMMANDS = (
    "demo", "world", "ingest", "quarantine", "resolve", "load", "snapshot", "features", "train",
    "score", "grade", "serve", "search", "portrait", "paths", "connections", "owners", "query", "screen",
    "export",
    "bench", "doctor",
)  # fmt: skip


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on standard output."""
        assert self.status == 0, self.err
        return json.loads(self.out)


def environment(home: Path, **more: str) -> dict[str, str]:
    own = {name: text for name, text in os.environ.items() if not name.startswith("HAWSER_")}
    return {**own, "HAWSER_HOME": str(home), "PYTHONPATH": str(ROOT), **more}


Run = Callable[..., Done]


@pytest.fixture
def hawser(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """`hawser(home, *arguments, **environment)` runs a command in this process."""

    def run(home: Path, *arguments: str | Path, **more: str) -> Done:
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("HAWSER_")]:
                patch.delenv(name)
            for name, value in {"HAWSER_HOME": str(home), **more}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["hawser", *map(str, arguments)])
            capfd.readouterr()
            status = cli.run()
        out, err = capfd.readouterr()
        return Done(status, out, err)

    yield run
    logging.captureWarnings(False)
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, RotatingFileHandler)]:
        root.removeHandler(handler)
        handler.close()


def deliver(folder: Path, **tables: Sequence[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


ENTERPRISES = (
    "enterprise_id,name,country,registered_on",
    "E1,宁波海丰进出口有限公司,CN,2015-06-01",
    "E2,Harbour Ltd,VN,",
)


def test_help_names_every_command_and_is_quick(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import cli; cli.main()", "--help"]
    started = time.monotonic()
    done = subprocess.run(
        command, env=environment(tmp_path, COLUMNS="200"), capture_output=True, text=True
    )
    assert done.returncode == 0
    assert [name for name in COMMANDS if f" {name} " not in done.stdout] == []
    assert time.monotonic() - started < 10  # half a second on a quiet machine


@pytest.mark.parametrize("arguments", [["nothing"], ["paths"], ["snapshot", "--as-of", "soon"]])
def test_wrong_usage_exits_2(hawser: Run, tmp_path: Path, arguments: list[str]) -> None:
    done = hawser(tmp_path, *arguments)
    assert done.status == 2
    assert done.out == ""
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["ingest", "nowhere", "."], "no source 'nowhere'"),
        (["ingest", "tables", "missing"], "missing"),
        (["paths", "E1"], "snapshot"),
        (["grade"], "snapshot"),
        (["export", "out", "--format", "xml"], "xml"),
        (["query", "nothing"], "no query"),
    ],
)
def test_what_is_refused_says_so_in_one_line(
    hawser: Run, tmp_path: Path, arguments: list[str], says: str
) -> None:
    (tmp_path / "home" / "lake").mkdir(parents=True)
    done = hawser(tmp_path / "home", *arguments)
    assert done.status == 1, done.err
    assert done.out == ""
    assert done.err.startswith("hawser: ") and done.err.count("\n") == 1
    assert says in done.err


@pytest.mark.parametrize(
    "command",
    ["search x", "portrait x", "paths x", "owners x", "connections x y", "query counts",
     "quarantine", "resolve", "load", "snapshot", "features", "train", "score", "grade",
     "export out", "serve --port 0"],
)  # fmt: skip
def test_what_reads_says_that_there_is_no_data_folder_and_makes_none(
    hawser: Run, tmp_path: Path, command: str
) -> None:
    home = tmp_path / "home"
    done = hawser(home, *command.split())
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 1 and str(home) in done.err
    assert "hawser demo" in done.err and "hawser ingest" in done.err and "HAWSER_HOME" in done.err
    assert list(tmp_path.iterdir()) == []
    assert hawser(home, command.split()[0], "--help").status == 0
    assert list(tmp_path.iterdir()) == []


def test_completion_and_the_catalogue_need_no_data_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    asked = {"_HAWSER_COMPLETE": "complete_bash", "COMP_WORDS": "hawser por", "COMP_CWORD": "1"}
    command = [sys.executable, "-c", "import sys, cli; sys.argv[0] = 'hawser'; cli.main()"]
    done = subprocess.run(command, env=environment(home, **asked), capture_output=True, text=True)
    assert "portrait" in done.stdout
    assert "enterprise_related" in process(home, "query").out
    assert not home.exists()


def test_a_wrong_id_is_told_without_a_graph_server(
    hawser: Run, world_home: Path, world_folder: Path
) -> None:
    import polars as pl

    person = pl.read_parquet(world_folder / "tables" / "persons.parquet")["person_id"][0]
    for command in ("portrait", "paths", "owners"):
        done = hawser(world_home, command, "nobody")
        assert done.status == 1 and "nothing has the id 'nobody'" in done.err
        done = hawser(world_home, command, person)
        assert done.status == 1 and f"{person} is a Person, not an Enterprise" in done.err
        assert f"kind=Person id={person}" in done.err
    assert not (world_home / "graph").exists()


def test_a_taken_port_is_told_at_once(hawser: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "lake").mkdir(parents=True)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = hawser(home, "serve", "--port", str(taken.getsockname()[1]))
    assert done.status == 1 and "cannot listen on" in done.err and done.err.count("\n") == 1
    assert [path.name for path in home.iterdir()] == ["lake"]


def process(home: Path, *arguments: str | Path, **more: str) -> Done:
    """A command in a process of its own, to its very end."""
    command = [sys.executable, "-c", "import cli; cli.main()", *map(str, arguments)]
    done = subprocess.run(
        command, env=environment(home, **more), capture_output=True, text=True, timeout=300
    )
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "arguments", [["owners", "nobody"], ["ingest", "tables", "/nonexistent"], ["query", "nothing"]]
)
def test_a_refusal_is_all_that_a_process_says(world_home: Path, arguments: list[str]) -> None:
    done = process(world_home, *arguments)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("hawser: ") and done.err.count("\n") == 1


def test_a_good_end_says_nothing_beside_the_answer(world_home: Path) -> None:
    done = process(world_home, "snapshot", "--json")
    assert done.json["nodes"]["Shipment"] == 4_000
    assert done.err == ""


@pytest.mark.slow
def test_a_demo_with_too_few_labels_ends_in_one_line(tmp_path: Path) -> None:
    """Many stages in one process: what libraries still hold at its end is not told."""
    few = ("demo", "--enterprises", "100", "--json")
    done = process(tmp_path / "home", *few, HAWSER_EMBEDDED_HEAP="512m")
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 1 and "known outcomes" in done.err


def test_serving_ends_with_its_process(tmp_path: Path) -> None:
    """A server told to stop leaves nothing that listens."""
    command = [sys.executable, "-c", "import cli; cli.main()", "serve", "--port", "0"]
    (tmp_path / "home" / "lake").mkdir(parents=True)
    with subprocess.Popen(
        command, env=environment(tmp_path / "home"), stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stderr is not None
        said = child.stderr.readline()
        address = re.search(r"http://([\d.]+):(\d+)/", said)
        assert address, said
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=60)
    with pytest.raises(OSError), socket.create_connection((address[1], int(address[2])), timeout=2):
        pass


def test_settings_that_cannot_be_used_are_refused(hawser: Run, tmp_path: Path) -> None:
    done = hawser(tmp_path, "doctor", HAWSER_API_PORT="many")
    assert done.status == 1
    assert done.err.count("\n") == 1 and "HAWSER_API_PORT" in done.err


def test_an_unexpected_error_is_one_line_and_in_the_log(hawser: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "lake").mkdir(parents=True)
    (home / "search").mkdir()
    (home / "search" / "made-from.json").write_text("{", encoding="utf-8")
    done = hawser(home, "search", "anything")
    assert done.status == 1
    assert done.err.count("\n") == 1 and "unexpected" in done.err
    assert "Traceback" in (home / "logs" / "hawser.log").read_text(encoding="utf-8")


def test_doctor_tells_settings_and_surroundings(hawser: Run, tmp_path: Path) -> None:
    secret = "postgresql+psycopg://user:hush@nowhere.invalid/x"
    done = hawser(tmp_path / "home", "doctor", "--json", HAWSER_MEMORY_LIMIT="1GB")
    found = done.json
    assert {"version", "python", "home", "settings", "checks"} <= set(found)
    memory = next(row for row in found["settings"] if row["name"] == "memory_limit")
    assert memory["value"] == "1GB" and memory["changed"]
    assert not (tmp_path / "home").exists()
    masked = hawser(tmp_path / "home", "doctor", HAWSER_LEDGER_URL=secret)
    assert masked.status == 1 and "hush" not in masked.out + masked.err


def test_a_delivery_is_read_once_and_bad_rows_are_listed(hawser: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    many = [f"E{n},Firm {n},CN," for n in range(3, 10)]
    folder = deliver(tmp_path / "in", enterprises=[*ENTERPRISES, *many, "E10,Nowhere Ltd,XX,"])
    first = hawser(home, "ingest", "tables", folder, "--json").json
    assert first["source"] == "tables" and len(first["batches"]) == 1
    assert first["accepted"] == {"enterprises": 9} and first["quarantined"] == {"enterprises": 1}
    assert first["unchanged"] is False
    again = hawser(home, "ingest", "tables", folder, "--json").json
    assert again["unchanged"] is True and again["accepted"] == {}
    rows = hawser(home, "quarantine", "--json").json["rows"]
    assert [(row["file"], row["row"], row["field"], row["value"]) for row in rows] == [
        ("enterprises.csv", 10, "country", "XX")
    ]
    assert rows[0]["reason"] and rows[0]["source"] == "tables"


def test_nothing_comes_of_nothing(hawser: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    refused = hawser(home, "ingest", "tables", tmp_path / "nowhere")
    assert refused.status == 1 and "nowhere: does not exist" in refused.err
    assert not (home / "lake").exists()
    with Lake(Settings(home=home)) as lake, lake.writing():
        pass
    empty = hawser(home, "snapshot")
    assert empty.status == 1 and "is empty: run `hawser ingest`" in empty.err
    assert not (home / "snapshots").exists()


def test_rows_that_are_wrong_are_told_apart_from_those_that_wait(
    hawser: Run, tmp_path: Path
) -> None:
    shipments = ["shipment_id,declared_at,direction,customs_office,importer_id"]
    shipments += [f"S{n},2024-01-0{n},I,2201,E{10 if n < 4 else 11}" for n in range(1, 6)]
    folder = deliver(
        tmp_path / "in", enterprises=[*ENTERPRISES, "E10,Firm,China,"], shipments=shipments
    )
    home = tmp_path / "home"
    hawser(home, "ingest", "tables", folder, HAWSER_QUARANTINE_SHARE="1")
    listed = hawser(home, "quarantine", "--json").json
    assert (listed["total"], listed["waiting"]) == (6, {"E10": 3, "E11": 2})
    few = hawser(home, "quarantine", "--limit", "1", "--json").json
    assert (len(few["rows"]), few["total"], few["waiting"]) == (1, 6, {"E10": 3})
    assert (few["waiting_rows"], few["waiting_ids"]) == (5, 2)
    shown = hawser(home, "quarantine", "--limit", "1").out
    assert "5 rows wait for what they refer to: E10 (3) and 1 others" in shown
    assert listed["rows"][0]["value"] == "China"
    told = hawser(home, "quarantine").out
    assert "enterprises.csv row 3: country 'China': is" in told
    assert "5 rows wait for what they refer to: E10 (3), E11 (2)" in told
    assert "shipments.csv" not in told


def test_the_same_lake_gives_the_same_snapshot(hawser: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    hawser(home, "ingest", "tables", deliver(tmp_path / "in", enterprises=ENTERPRISES))
    days = ("--as-of", "2026-01-01", "--known-at", "2026-01-01")
    one, two = (hawser(home, "snapshot", *days, "--json").json for _ in range(2))
    assert one == two
    assert one["as_of"] == one["known_at"] == "2026-01-01"
    assert one["nodes"]["Enterprise"] >= 1 and "OWNS" in one["edges"]


def test_names_are_found_in_both_scripts_and_screened(hawser: Run, tmp_path: Path) -> None:
    home = tmp_path / "home"
    entries = ("entry_id,list,name,aliases,kind", "L1,Test list,Harbor Limited,海港公司,enterprise")
    folder = deliver(tmp_path / "in", enterprises=ENTERPRISES, list_entries=entries)
    hawser(home, "ingest", "tables", folder)
    found = hawser(home, "search", "海丰", "--json").json["results"]
    assert found[0]["id"] == "E1" and set(found[0]) == {"id", "kind", "name", "score", "reason"}
    names = tmp_path / "names.csv"
    names.write_text("name\nHarbour Ltd\nNobody At All\n", encoding="utf-8")
    out = tmp_path / "out.csv"
    assert hawser(home, "screen", names, "--output", out).status == 0
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "query", "rank", "entry_id", "list", "name", "score", "match", "reason",
    ]  # fmt: skip
    best = rows[0]
    assert (best["query"], best["entry_id"], best["match"]) == ("Harbour Ltd", "L1", "true")
    assert all(row["match"] == "false" for row in rows if row["query"] == "Nobody At All")


def test_paths_and_owners_of_the_small_world(
    hawser: Run, world_home: Path, world_folder: Path
) -> None:
    import polars as pl

    ring = pl.read_parquet(world_folder / "truth" / "enterprises.parquet")["enterprise_id"][0]
    found = hawser(world_home, "paths", ring, "--json").json
    assert {"target", "influence", "paths", "remainder", "skipped_hubs", "partial", "snapshot",
            "policy"} <= set(found)  # fmt: skip
    for path in found["paths"]:
        assert {"contribution", "source", "hops"} <= set(path)
        for hop in path["hops"]:
            assert {"from", "to", "kind", "valid_from", "valid_to", "evidence"} <= set(hop)
    owners = hawser(world_home, "owners", ring, "--json").json
    assert owners["target"] == ring
    assert "Influence is not guilt" in hawser(world_home, "paths", ring).out


def test_how_two_parties_are_tied(hawser: Run, world_home: Path, world_folder: Path) -> None:
    import polars as pl

    tables = world_folder / "tables"
    tie = pl.read_parquet(tables / "relations.parquet").filter(pl.col("type") == "SHAREHOLDER")
    ends = tie.sort("source_id", "target_id").row(0, named=True)
    asked = ("connections", ends["source_id"], ends["target_id"])
    found = hawser(world_home, *asked, "--json").json
    assert (found["source"], found["target"]) == asked[1:]
    hop = found["paths"][0]["hops"][0]
    assert hop["from"] == asked[1] and hop["document"]["file"] == "relations.parquet"
    said = hawser(world_home, *asked).out
    assert "reliability" in said and "relations.parquet row" in said and hop["evidence"] in said
    hidden = hawser(world_home, *asked, HAWSER_CLEARANCE="PUBLIC")
    assert hidden.status == 1 and "nothing in snapshot" in hidden.err
    assert hawser(world_home, "connections", asked[1], asked[1]).status == 1


def test_export_writes_every_kind(hawser: Run, world_home: Path, tmp_path: Path) -> None:
    done = hawser(world_home, "export", tmp_path / "out", "--format", "csv", "--json").json
    assert done["files"]["nodes/Shipment.csv"] == 4_000
    with (tmp_path / "out" / "edges" / "IMPORTED.csv").open(encoding="utf-8") as file:
        assert sum(1 for _ in file) == 1 + done["files"]["edges/IMPORTED.csv"]


@pytest.mark.parametrize("format", ["csv", "parquet", "graphml"])
def test_an_export_says_where_it_was_cut(
    hawser: Run, world_home: Path, tmp_path: Path, format: str
) -> None:
    """Files are called as in the folder; what was left out is told in both kinds of answer."""
    whole = hawser(world_home, "export", tmp_path / "all", "--format", "csv", "--json").json
    assert "partial" not in whole
    for name, rows in whole["files"].items():
        with (tmp_path / "all" / name).open(encoding="utf-8", newline="") as file:
            assert len(list(csv.reader(file))) == 1 + rows
    with (tmp_path / "all" / "nodes" / "Enterprise.csv").open(encoding="utf-8") as file:
        id = next(row["id"] for row in csv.DictReader(file) if row["country"] == "CN")
    asked = ("export", tmp_path / "out", "--format", format, "--around", id)
    full = hawser(world_home, *asked, "--json").json
    assert (full["limit"], full["partial"]) == (5_000, False) and full["nodes"] > 9
    assert full["skipped_hubs"] == len(full["hubs"]) > 0
    said = hawser(world_home, *asked).out
    assert "Not walked through: " in said and "未展开" in said and "cut" not in said
    done = hawser(world_home, *asked, "--limit", "9", "--json").json
    assert (done["nodes"], done["limit"], done["partial"]) == (9, 9, True)
    assert all((tmp_path / "out" / name).is_file() for name in done["files"])
    said = hawser(world_home, *asked, "--limit", "9").out
    assert "cut at 9 nodes" in said and "--limit" in said and "在9个节点处截断" in said


@pytest.mark.parametrize("loaded", ["cli", "typer", "polars"])
def test_interrupting_leaves_no_trace(tmp_path: Path, loaded: str) -> None:
    """Interrupts itself as soon as a module is loaded: at the start, in the middle, at work."""
    text = f"""
import os, signal, sys, threading
def interrupt():
    while {loaded!r} not in sys.modules:
        pass
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
from commands import entry
entry.main()
"""
    command = [sys.executable, "-c", text, "world", str(tmp_path / "w"), "--enterprises", "100000"]
    done = subprocess.run(
        command,
        env=environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
