"""Opening the ledger's database: address, connection rules, migrations and one-line errors."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock, Timeout
from sqlalchemy.engine import URL, Connection, Engine, make_url

from graph.errors import LedgerError
from graph.settings import Settings

#: The newest migration; a test holds it against the files in `migrations/versions`.
HEAD = "0002"
_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MILLISECONDS = 30_000
#: Key of the PostgreSQL advisory lock under which migrations run ("hawser" in ASCII).
_ADVISORY_LOCK = 0x686177736572


def open_engine(settings: Settings) -> Engine:
    """Connect and bring the database to the newest form; safe from several processes at once.

    Raises:
        LedgerError: the address is not one, its driver is missing, the database cannot be reached
            or was written by a newer version. The message never holds the address's password.
    """
    url = _url(settings.ledger_address)
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        _make_folder(Path(str(url.database)).parent)
    try:
        engine = sa.create_engine(url)
    except ModuleNotFoundError as error:
        raise LedgerError(
            f"the ledger {_shown(url)} needs the Python package {error.name}",
            hint="install hawser[postgres]",
        ) from error
    if url.get_backend_name() == "sqlite":
        _configure_sqlite(engine)
    with guard(engine, "opening"):
        _migrate(engine, url)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerError(
            f"the ledger's folder {folder} cannot be made: {error.strerror}",
            hint="set HAWSER_HOME or HAWSER_LEDGER_URL",
        ) from error


@contextmanager
def guard(engine: Engine, action: str) -> Iterator[None]:
    """Turn a database failure into one line that names the action and the ledger."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        line = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
        password = str(engine.url.password or "")
        if password:
            line = line.replace(password, "***")
        raise LedgerError(f"{action} the ledger {_shown(engine.url)} failed: {line}") from error


def _url(address: str) -> URL:
    try:
        url = make_url(address)
        backend = url.get_backend_name()
    except (sa.exc.SQLAlchemyError, ValueError):
        # The text may hold a password: neither it nor the parser's message is shown.
        raise LedgerError(
            "HAWSER_LEDGER_URL is not an SQLAlchemy address",
            hint="write it as postgresql+psycopg://user:password@host/database",
        ) from None
    if backend == "postgres":
        backend = "postgresql"
    if backend not in ("sqlite", "postgresql"):
        raise LedgerError(
            f"HAWSER_LEDGER_URL names the database {backend}", hint="use sqlite or postgresql"
        )
    return url.set(drivername="postgresql+psycopg") if backend == "postgresql" else url


def _shown(url: URL) -> str:
    """The address without its password, wherever it stands."""
    return url.set(query={}).render_as_string(hide_password=True)


def _configure_sqlite(engine: Engine) -> None:
    """Write-ahead log, foreign keys, patience, and transactions that begin where we say so.

    Python's `sqlite3` opens a transaction only at the first change, so a read before it would not
    be part of it; with `isolation_level = None` the `BEGIN` below is the only one. A writer takes
    its lock at once, since a reader that becomes a writer cannot wait for another.
    """

    @sa.event.listens_for(engine, "connect")
    def connect(connection: Any, record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(engine: Engine, url: URL) -> None:
    """Run what is missing, one process at a time. Nothing but one read when all is there."""
    if _revision(engine) == HEAD:
        return
    with (
        _lock(url),
        engine.connect().execution_options(writes=True) as connection,
        connection.begin(),
    ):
        if url.get_backend_name() == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
        _upgrade(connection, url)


def _lock(url: URL) -> Any:
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return nullcontext()
    lock = FileLock(f"{url.database}.lock")
    try:
        return lock.acquire(timeout=_BUSY_MILLISECONDS / 1000)
    except Timeout as error:
        raise LedgerError(
            f"the ledger {_shown(url)} is being migrated by another process",
            hint="try again when it has finished",
        ) from error


def _revision(engine: Engine) -> str | None:
    """The database's migration, or None when it has none yet."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(
            sa.text("SELECT version_num FROM alembic_version")
        ).scalar()
        return found


def _upgrade(connection: Connection, url: URL) -> None:
    # Imported here: Alembic takes a tenth of a second, and most openings have nothing to migrate.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise LedgerError(
            f"the ledger {_shown(url)} has a form this version does not know",
            hint="use the newer version of Hawser that wrote it",
        ) from error
