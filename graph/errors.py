"""Errors a user of Hawser can meet, with one line each that says what is wrong and what to do.

HawserError
├── SettingsError        a setting cannot be used as it is
├── ValueRejected        a value does not have the form of its type (carries the type and the value)
├── OntologyError        a declaration of the ontology or the tables contradicts itself
├── LakeError            the lake cannot be read or written
│   ├── LakeBusy         another process is writing to the same data folder
│   └── BatchRejected    a batch failed as a whole; the lake is as it was
├── GraphStoreError      the graph server refused or failed (carries the query's name)
│   ├── GraphUnreachable no server answers at the address
│   └── QueryTimeout     the query ran over its time
├── LoadError            a graph load did not complete; the graph is as it was
├── SnapshotError        a snapshot is missing, damaged or not what was asked for
├── LedgerError          the ledger cannot be read or written
└── NotFound             nothing has this id

The other layers hang their own small trees under `HawserError` in their `errors.py`.
"""


class HawserError(Exception):
    """Anything expected to go wrong. `str(error)` is the one line shown to the user."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        """`message` says what is wrong and where; `hint` says what to do about it."""
        super().__init__(f"{message}: {hint}" if hint else message)
        self.message = message
        self.hint = hint


class SettingsError(HawserError):
    """A setting cannot be used as it is."""


class ValueRejected(HawserError):
    """A value does not have the form of its type."""

    def __init__(self, value_type: str, value: object, reason: str) -> None:
        super().__init__(f"{value_type}: {value!r} {reason}")
        self.value_type = value_type
        self.value = value
        self.reason = reason


class OntologyError(HawserError):
    """A declaration contradicts itself; found when the module is loaded."""


class LakeError(HawserError):
    """The lake cannot be read or written."""


class LakeBusy(LakeError):
    """Another process is writing to the same data folder."""


class BatchRejected(LakeError):
    """A batch failed as a whole; the lake is as it was."""


class GraphStoreError(HawserError):
    """The graph server refused or failed."""


class GraphUnreachable(GraphStoreError):
    """No graph server answers at the address."""


class GraphServerDied(GraphUnreachable):
    """The embedded graph server died while it was in use."""


class QueryTimeout(GraphStoreError):
    """A query ran over its time limit and was stopped."""


class LoadError(HawserError):
    """A graph load did not complete; the graph is as it was."""


class SnapshotError(HawserError):
    """A snapshot is missing, damaged or not what was asked for."""


class LedgerError(HawserError):
    """The ledger cannot be read or written."""


class NotFound(HawserError):
    """Nothing has this id."""
