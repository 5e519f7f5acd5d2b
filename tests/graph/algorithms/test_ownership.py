"""Integrated ownership and control, against sums over walks and a naive fixed point."""

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from graph.algorithms.ownership import controllers, integrated_ownership

Matrix = NDArray[np.float64]


@st.composite
def shareholdings(draw: st.DrawFn) -> Matrix:
    """Shares of up to six parties in each other; every column adds up to at most 0.95."""
    size = draw(st.integers(2, 6))
    share = st.sampled_from([0.0, 0.0, 0.1, 0.3, 0.6])
    cells = draw(st.lists(share, min_size=size * size, max_size=size * size))
    matrix = np.array(cells).reshape(size, size)
    total = matrix.sum(axis=0)
    return matrix * np.where(total > 0.95, 0.95 / np.maximum(total, 1e-9), 1.0)


def walked(matrix: Matrix, owner: int, target: int) -> float:
    """The sum over walks from owner to target that do not return to the owner."""
    flow, total = matrix[owner].copy(), 0.0
    for _ in range(3000):
        total += flow[target]
        if owner != target:
            flow[owner] = 0.0
        elif flow[target] and owner == target:
            flow[target] = 0.0
        flow = flow @ matrix
    return total


@settings(deadline=None, max_examples=100)
@given(shareholdings())
def test_integrated_ownership_is_the_sum_over_walks(matrix: Matrix) -> None:
    held = integrated_ownership(sparse.csr_array(matrix), 0)
    expected = [walked(matrix, owner, 0) for owner in range(len(matrix))]
    np.testing.assert_allclose(held, expected, atol=1e-6)
    assert (held <= 1.0).all()


def test_a_chain_multiplies() -> None:
    chain = sparse.csr_array(np.array([[0, 0, 0], [0.5, 0, 0], [0, 0.6, 0]]))
    np.testing.assert_allclose(integrated_ownership(chain, 0), [0.0, 0.5, 0.3], atol=1e-8)


def test_a_circle_owned_by_nobody_outside_has_an_answer() -> None:
    circle = sparse.csr_array(np.array([[0, 1.0], [1.0, 0]]))
    np.testing.assert_allclose(integrated_ownership(circle, 0), [1.0, 1.0], atol=1e-6)


def test_shares_above_one_are_scaled() -> None:
    matrix = sparse.csr_array(np.array([[0, 0, 0], [0.8, 0, 0], [0.8, 0, 0]]))
    np.testing.assert_allclose(integrated_ownership(matrix, 0), [0.0, 0.5, 0.5], atol=1e-6)


@settings(deadline=None, max_examples=100)
@given(shareholdings())
def test_control_is_the_least_fixed_point(matrix: Matrix) -> None:
    none = sparse.csr_array(matrix.shape)
    expected = []
    for party in range(len(matrix)):
        inside = {party}
        while True:
            held = matrix[sorted(inside)].sum(axis=0)
            more = inside | set(np.flatnonzero(held > 0.5 + 1e-12).tolist())
            if more == inside:
                break
            inside = more
        expected.append(0 in inside and party != 0)
    assert controllers(sparse.csr_array(matrix), none, 0).tolist() == expected


def test_control_adds_what_controlled_firms_hold() -> None:
    # 3 holds 60 % of 1 and 20 % of 0; 1 holds 40 % of 0: 3 controls 0, 2 with 40 % does not
    matrix = np.zeros((4, 4))
    matrix[3, 1], matrix[3, 0], matrix[1, 0], matrix[2, 0] = 0.6, 0.2, 0.4, 0.4
    declared = sparse.csr_array((4, 4))
    result = controllers(sparse.csr_array(matrix), declared, 0)
    assert result.tolist() == [False, False, False, True]


@pytest.mark.parametrize("party", [1, 2])
def test_declared_control_counts(party: int) -> None:
    declared = np.zeros((3, 3))
    declared[2, 1], declared[1, 0] = 1.0, 1.0
    result = controllers(sparse.csr_array((3, 3)), sparse.csr_array(declared), 0)
    assert result[party]
