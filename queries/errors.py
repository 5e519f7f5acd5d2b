"""Errors of the named queries.

HawserError
├── CatalogError         a query file contradicts itself or the ontology
└── ParameterError       a query was called with a wrong parameter, or there is no such query
"""

from graph.errors import HawserError


class CatalogError(HawserError):
    """A query file contradicts itself, the ontology or what the server answers."""


class ParameterError(HawserError):
    """A query was called with a wrong parameter, or there is no query with this name."""
