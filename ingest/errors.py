"""Errors of ingest, beside those of the lake in `graph.errors`.

HawserError
└── IngestError          nothing was ingested
    └── SourceError      a source is unknown, or its declaration cannot be used

`graph.files.FileRejected` is a file that cannot be read at all; `graph.errors.BatchRejected` and
`LakeBusy` come from the lake.
"""

from graph.errors import HawserError


class IngestError(HawserError):
    """Nothing was ingested."""


class SourceError(IngestError):
    """A source is unknown, or its declaration cannot be used."""
