"""`hawser doctor`: the settings in force, and what of the surroundings is there and reachable."""

import importlib.metadata
import importlib.util
import platform
import shutil
import socket
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from graph.errors import HawserError
from graph.settings import Settings, variable

#: Packages that a slim installation goes without: what for, and the extra that brings them.
OPTIONAL = {
    "torch": ("training the graph network", "gnn"),
    "psycopg": ("a ledger in PostgreSQL", "postgres"),
    "py2neo": ("the py2neo bridge", "py2neo"),
    "nbclient": ("running the notebook", "notebook"),
}


@dataclass(frozen=True)
class Check:
    """One thing looked at. `state` is ok, absent (nothing wrong with that) or broken."""

    name: str
    state: str
    detail: str


def examine(settings: Settings, *, start: bool = False) -> dict[str, Any]:
    """Settings and checks as plain data; with `start` the graph server is started if need be."""
    return {
        "version": importlib.metadata.version("hawser") if _installed() else "not installed",
        "python": platform.python_version(),
        "home": str(settings.home.absolute()),
        "settings": setting_rows(settings),
        "checks": [asdict(check) for check in _checks(settings, start)],
    }


def setting_rows(settings: Settings) -> list[dict[str, Any]]:
    """One row a setting: name, variable, value, default, changed, help. Secrets are masked."""
    rows = []
    for field in fields(Settings):
        value = getattr(settings, field.name)
        shown = "***" if field.metadata["secret"] and value else "" if value == Path() else value
        rows.append(
            {
                "name": field.name,
                "variable": variable(field.name),
                "value": str(shown),
                "default": str(field.default),
                "changed": value != field.default,
                "help": field.metadata["help"],
            }
        )
    return rows


def _installed() -> bool:
    return bool(list(importlib.metadata.distributions(name="hawser")))


def _checks(settings: Settings, start: bool) -> list[Check]:
    checks = [_home(settings), _graph(settings, start), _ledger(settings)]
    checks += [_state(settings, name) for name in ("lake/batches", "snapshots", "models", "scores")]
    return checks + [_package(name, *about) for name, about in OPTIONAL.items()]


def _home(settings: Settings) -> Check:
    home = settings.home.absolute()
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 1e9
    if not existing.is_dir():
        return Check("data folder", "broken", f"{existing} is not a folder: set HAWSER_HOME")
    state = "ok" if home.exists() else "absent"
    made = "" if home.exists() else "; made when first written to"
    return Check("data folder", state, f"{home}, {free:.0f} GB free{made}")


def _graph(settings: Settings, start: bool) -> Check:
    if start:
        return _graph_started(settings)
    if not settings.graph_uri:
        if importlib.util.find_spec("arcadedb_embedded") is None:
            return Check("graph server", "broken", "the package arcadedb-embedded is not installed")
        return Check("graph server", "ok", "embedded, started when first needed (try --start)")
    address = urlsplit(settings.graph_uri)
    place = (address.hostname or "localhost", address.port or 7687)
    try:
        with socket.create_connection(place, timeout=3):
            return Check("graph server", "ok", f"{settings.graph_uri} answers (sign in: --start)")
    except OSError as error:
        return Check("graph server", "broken", f"{settings.graph_uri} does not answer: {error}")


def _graph_started(settings: Settings) -> Check:
    from graph.store.bolt import GraphStore

    try:
        with GraphStore.open(settings) as store:
            rows = store.read("doctor", "MATCH (n) RETURN count(n) AS nodes", {})
            return Check("graph server", "ok", f"{store.flavour}: {rows[0]['nodes']:,} nodes")
    except HawserError as error:
        return Check("graph server", "broken", str(error))


def _ledger(settings: Settings) -> Check:
    from graph.store.ledger_engine import guard, open_engine

    if not settings.ledger_url and not (settings.home / "ledger.sqlite").exists():
        return Check("ledger", "absent", "SQLite in the data folder; made when first written to")
    try:
        engine = open_engine(settings)
        with guard(engine, "opening"), engine.connect():
            name = engine.dialect.name
        engine.dispose()
    except HawserError as error:
        return Check("ledger", "broken", str(error))
    return Check("ledger", "ok", f"{name} answers")


def _state(settings: Settings, name: str) -> Check:
    folder = settings.home / name
    kept = (
        sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    )
    if not kept:
        return Check(name, "absent", "none yet")
    return Check(name, "ok", f"{len(kept)}")


def _package(name: str, purpose: str, extra: str) -> Check:
    if importlib.util.find_spec(name) is None:
        return Check(name, "absent", f"only needed for {purpose}: pip install 'hawser[{extra}]'")
    return Check(name, "ok", f"{importlib.metadata.version(name)}, for {purpose}")


def show(found: dict[str, Any]) -> None:
    """Print what `examine` gave."""
    from commands import output

    rows = [(row["variable"], row["value"] or "(empty)", row["help"]) for row in found["settings"]]
    output.table(
        f"Hawser {found['version']}, Python {found['python']}",
        ("setting", "in force", "what it is"),
        rows,
    )
    checks = [(check["name"], check["state"], check["detail"]) for check in found["checks"]]
    output.table("Found", ("what", "state", "detail"), checks)
