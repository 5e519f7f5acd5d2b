"""Errors of grading.

GradingError         a grading cannot be made from what is there
└── PolicyError      a policy file contradicts itself or the feature catalogue (carries the place)
"""

from graph.errors import HawserError


class GradingError(HawserError):
    """A grading cannot be made from what is there."""


class PolicyError(GradingError):
    """A policy file contradicts itself or the feature catalogue."""
