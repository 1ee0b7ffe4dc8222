"""What the tests of the instrumental scenario share: random behaviours and models, and the paper's own example."""

import numpy as np
import sympy
from hypothesis import strategies as st

ROOT = sympy.sqrt(2)
LARGE, SMALL = (2 + ROOT) / 8, (2 - ROOT) / 8


def quantum_behaviour():
    """The behaviour of Wang and Zhang's eq. (13), in radicals."""
    p = np.full((2, 2, 2), SMALL, dtype=object)
    p[0, 0, 0] = p[1, 1, 0] = p[0, 1, 1] = p[1, 1, 1] = LARGE
    return p


def distribution(shape, largest=20):
    """Exact rational distributions of the given shape, faces of the simplex included."""
    size = int(np.prod(shape))
    weights = st.lists(st.integers(0, largest), min_size=size, max_size=size).filter(any)
    return weights.map(lambda w: np.array([sympy.Rational(k, sum(w)) for k in w], dtype=object).reshape(shape))


def classical_models():
    """Distributions r[x(0), x(1), y(0), y(1)] of response types."""
    return distribution((2, 2, 2, 2))


def behaviours():
    """Any behaviours p[x, y, z], classical or not."""
    return st.tuples(distribution((2, 2)), distribution((2, 2))).map(lambda pair: np.stack(pair, axis=-1))


def laws():
    """Any laws[x, y00, y01, y10, y11, z] of the potential outcomes, with both values of Z possible."""
    return distribution((2,) * 6).filter(lambda law: all(law.sum(axis=(0, 1, 2, 3, 4)) > 0))


def relabelled(p, what):
    """The behaviour after the two values of X, Y or Z are exchanged."""
    return np.flip(p, axis=-3 + "xyz".index(what))
