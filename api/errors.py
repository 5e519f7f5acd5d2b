"""Which errors a client sees, and what becomes of all others.

HawserError
└── Refused              the request may not be answered: no or a wrong token, or not local

Expected errors are shown with their one line and a code; any other is logged under an id and only
the id is shown.
"""

import logging
import uuid

from graphql import GraphQLError
from strawberry.extensions import MaskErrors

from graph.errors import (
    GraphUnreachable,
    HawserError,
    LakeError,
    LedgerError,
    NotFound,
    QueryTimeout,
    SettingsError,
    SnapshotError,
)
from graph.store.search import SearchError
from queries.errors import ParameterError

log = logging.getLogger("hawser.api")


class Refused(HawserError):
    """The request may not be answered."""


#: Error class to the code in `extensions.code`; the first that fits counts.
EXPECTED: tuple[tuple[type[HawserError], str], ...] = (
    (NotFound, "NOT_FOUND"),
    (ParameterError, "BAD_INPUT"),
    (SettingsError, "BAD_INPUT"),
    (Refused, "FORBIDDEN"),
    (QueryTimeout, "TIMEOUT"),
    (GraphUnreachable, "UNAVAILABLE"),
    (SnapshotError, "UNAVAILABLE"),
    (SearchError, "UNAVAILABLE"),
    (LedgerError, "UNAVAILABLE"),
    (LakeError, "UNAVAILABLE"),
)


def code_of(error: BaseException) -> str | None:
    """The code of an expected error, None for any other."""
    return next((code for kind, code in EXPECTED if isinstance(error, kind)), None)


def described(error: BaseException) -> tuple[str, str]:
    """Message and code to show; an unexpected error is logged under the id in the message."""
    code = code_of(error)
    if code is not None:
        return " ".join(str(error).split()), code
    identifier = uuid.uuid4().hex[:12]
    log.error("unexpected error %s", identifier, exc_info=error)
    return f"something went wrong here; it is logged as {identifier}", "INTERNAL"


class ShownErrors(MaskErrors):
    """Shows expected errors and masks all others; errors in the query itself stay as they are."""

    def __init__(self) -> None:
        super().__init__(should_mask_error=lambda error: error.original_error is not None)

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        """The error as the client sees it."""
        original = error.original_error or error
        if isinstance(original, GraphQLError):
            return error
        message, code = described(original)
        return GraphQLError(
            message=message,
            nodes=error.nodes,
            source=error.source,
            positions=error.positions,
            path=error.path,
            extensions={"code": code},
        )
