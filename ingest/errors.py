"""Errors of ingest, beside those of the lake in `graph.errors`.

HawserError
└── IngestError          nothing was ingested
    ├── SourceError      a source is unknown, or its declaration cannot be used
    └── FileRejected     a file cannot be read at all; carries its path

`graph.errors.BatchRejected` and `LakeBusy` come from the lake.
"""

from graph.errors import BatchRejected, HawserError


class IngestError(HawserError):
    """Nothing was ingested."""


class SourceError(IngestError):
    """A source is unknown, or its declaration cannot be used."""


class FileRejected(IngestError, BatchRejected):
    """A file cannot be read at all, so its batch is refused and the lake is as it was."""

    def __init__(self, path: object, problem: str, *, hint: str = "nothing was ingested") -> None:
        super().__init__(f"{path}: {problem}", hint=hint)
        self.path = path
