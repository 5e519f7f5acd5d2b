"""Every setting of Hawser in one table: name, default, help. Values come from `HAWSER_*`."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from dataclasses import field as dataclass_field
from pathlib import Path
from typing import Any

from graph.errors import SettingsError

#: The largest TCP port.
LAST_PORT = 65_535
#: Most nodes of a neighbourhood before it stops growing, where no other number is asked for.
NEIGHBOURHOOD_LIMIT = 5_000


def _setting(
    default: Any,
    help_text: str,
    *,
    secret: bool = False,
    minimum: float = 0,
    maximum: float = math.inf,
) -> Any:
    """Declare one setting; `variable` gives the name of its environment variable."""
    return dataclass_field(
        default=default,
        metadata={"help": help_text, "secret": secret, "minimum": minimum, "maximum": maximum},
    )


@dataclass(frozen=True)
class Settings:
    """What is in force. `Settings.load()` reads the environment; tests pass values by name."""

    home: Path = _setting(Path("hawser-data"), "folder that holds lake, graph, ledger and models")
    graph_uri: str = _setting("", "Bolt address of a Neo4j server; empty: the embedded server")
    graph_user: str = _setting("neo4j", "user name at the graph server")
    graph_password: str = _setting("", "password at the graph server", secret=True)
    graph_database: str = _setting("neo4j", "database at the graph server")
    graph_timeout: float = _setting(20.0, "seconds a read query may take", minimum=0.1)
    graph_batch_size: int = _setting(5_000, "rows sent to the graph server at once", minimum=1)
    embedded_heap: str = _setting("2g", "heap of the embedded graph server's Java process")
    embedded_idle: float = _setting(
        2.0, "seconds the embedded server stays after its last user has gone"
    )
    neo4j_home: Path = _setting(
        Path(), "home of a Neo4j that `make neo4j` started; rebuilds then import offline"
    )
    ledger_url: str = _setting(
        "",
        "SQLAlchemy address of the ledger; empty: SQLite in the data folder",
        secret=True,
    )
    clearance: str = _setting(
        "SECRET", "what a local user may see: PUBLIC, INTERNAL, RESTRICTED, SECRET"
    )
    quarantine_share: float = _setting(
        0.2, "share of bad rows in a table above which the whole batch is refused"
    )
    api_host: str = _setting("127.0.0.1", "address the API listens on")
    api_port: int = _setting(8000, "port the API listens on; 0 takes a free one", maximum=LAST_PORT)
    api_tokens: Path = _setting(
        Path(),
        "YAML file of API tokens and their clearances; empty: local users only",
    )
    api_page_size: int = _setting(100, "most rows in one page of a GraphQL list", minimum=1)
    api_depth: int = _setting(12, "deepest nesting of a GraphQL query", minimum=1)
    api_aliases: int = _setting(20, "most aliases in a GraphQL query", minimum=1)
    api_tokens_limit: int = _setting(2_000, "most tokens in a GraphQL document", minimum=1)
    memory_limit: str = _setting("4GB", "memory DuckDB may use")
    threads: int = _setting(0, "processor threads to use; 0: all there are")

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the environment.

        Raises:
            SettingsError: a variable's value does not have the setting's type, or is out of range.
        """
        environment = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for field in fields(cls):
            text = environment.get(variable(field.name))
            if text is not None:
                values[field.name] = _read(field.name, type(field.default), text, field.metadata)
        return cls(**values)

    def require_data(self) -> None:
        """Raises `SettingsError` when there is no data folder to ask: reading makes none.

        A graph server and a ledger of their own can be asked without one.
        """
        if self.lake_folder.is_dir() or (self.graph_uri and self.ledger_url):
            return
        raise SettingsError(
            f"there is no data folder at {self.home.absolute()}",
            hint="make one with `hawser demo` or `hawser ingest`, or name yours with"
            " HAWSER_HOME or --home",
        )

    @property
    def lake_folder(self) -> Path:
        """Where the lake's batches are."""
        return self.home / "lake"

    @property
    def snapshot_folder(self) -> Path:
        """Where snapshots are kept, one folder an id."""
        return self.home / "snapshots"

    @property
    def feature_folder(self) -> Path:
        """Where feature tables are kept, one folder a snapshot id."""
        return self.home / "features"

    @property
    def model_folder(self) -> Path:
        """Where trained models are kept, one folder a version."""
        return self.home / "models"

    @property
    def score_folder(self) -> Path:
        """Where scores are kept, one folder a snapshot and model version."""
        return self.home / "scores"

    @property
    def search_folder(self) -> Path:
        """Where the name index is kept."""
        return self.home / "search"

    @property
    def ledger_address(self) -> str:
        """The ledger's SQLAlchemy address."""
        return self.ledger_url or f"sqlite:///{(self.home / 'ledger.sqlite').absolute()}"


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"HAWSER_{name.upper()}"


def _read(name: str, kind: type, text: str, metadata: Mapping[str, Any]) -> Any:
    try:
        value = kind(text)
    except ValueError as error:
        raise SettingsError(
            f"{variable(name)}={text!r} is not a valid {kind.__name__}",
            hint=metadata["help"],
        ) from error
    if isinstance(value, int | float) and value < metadata["minimum"]:
        raise SettingsError(
            f"{variable(name)}={text!r} is below {metadata['minimum']}",
            hint=metadata["help"],
        )
    if isinstance(value, int | float) and value > metadata["maximum"]:
        raise SettingsError(
            f"{variable(name)}={text!r} is above {metadata['maximum']}",
            hint=metadata["help"],
        )
    return value
