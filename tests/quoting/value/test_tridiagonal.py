"""Elimination against dense algebra."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from market_making.quoting.value.tridiagonal import Elimination


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(2, 12), magnitude=st.floats(0, 6))
def test_it_solves_what_a_dense_solver_solves(seed, size, magnitude):
    """(a − J) x = r for birth–death generators J whose rates differ by orders of magnitude."""
    rng = np.random.default_rng(seed)
    down, up = 10 ** rng.uniform(-magnitude, magnitude, (2, size - 1, 3))
    shift, right = rng.uniform(0.5, 2.0, 3), rng.normal(size=(size, 3))
    x = Elimination.of(shift, down, up).solve(right)
    for column in range(3):
        generator = np.diag(down[:, column], -1) + np.diag(up[:, column], 1)
        generator -= np.diag(generator.sum(axis=1))
        exact = np.linalg.solve(shift[column] * np.eye(size) - generator, right[:, column])
        np.testing.assert_allclose(x[:, column], exact, rtol=1e-6, atol=1e-9)


def test_a_vanishing_shift_does_not_cancel():
    """With a = 1e-12 the solution for a constant right-hand side is 1/a to rounding, which dense elimination loses."""
    down, up = np.geomspace(1e-8, 1e8, 20)[:, None], np.geomspace(1e6, 1e-6, 20)[:, None]
    x = Elimination.of(np.array([1e-12]), down, up).solve(np.ones((21, 1)))
    np.testing.assert_allclose(x, 1e12, rtol=1e-12)
