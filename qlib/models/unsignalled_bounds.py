"""What a table of instrument, treatment and outcome says of the effect for any common cause: the natural bounds.

If the instrument Z acts on the outcome Y through the treatment X alone, and what X and Y share carries no signal, then
for every value z

    p(t, y | z) ≤ P(Y=y | do X=t) ≤ p(t, y | z) + 1 − p(t | z)

(Robins 1989, Manski 1990), and Y has one law under each t. Nothing else follows: let q(y|t) be any laws with
q(y|t) ≥ p(t, y | z) for all z. Then P(x, y | z, t) = p(x | z) r(y | z, t) for x ≠ t, with
r(y | z, t) = (q(y|t) − p(t, y | z)) / (1 − p(t | z)), and p(t, y | z) for x = t, does not signal, has the table, and
has q under intervention: `behaviour_without_signalling`. So the bounds on one probability are

    max_z p(t, y | z)   and   1 − Σ_{y' ≠ y} max_z p(t, y' | z),

those under several treatments hold independently of each other, and there is such a behaviour at all if and only if
Σ_y max_z p(t, y | z) ≤ 1 for all t (Pearl's instrumental inequality).

A classical common cause can do better, but not where treatment may be monotone: `model_with_monotone_treatment` makes a
classical model of the same q. For two values each, `classical_gain` says by how much Balke and Pearl's bounds are
tighter than these, and for which tables they are not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from qlib.models.instrument_tables import instrumental_table
from qlib.models.potential_outcomes import instrumental_behaviour
from qlib.numbers.arguments import probabilities, whole
from qlib.numbers.exact_arrays import ROUNDING, Array, common, exact, is_exact, vanishes


def natural_bounds(data: Any, treatment: int, outcome: int) -> tuple[Any, Any]:
    """The bounds on P(Y=outcome | do X=treatment) that hold for every common cause that does not signal.

    data : as :func:`qlib.models.instrumental_table`, any number of values each; treatment, outcome : indices. Exact for
    exact data. Raises ``ValueError`` for an index out of range, or a table that no such common cause has.

    >>> trial = [[[74, 34], [11514, 2385]], [[0, 12], [0, 9663]]]
    >>> natural_bounds(trial, 1, 1)
    (9663/12094, 6041/6047)
    """
    p = instrumental_table(data).p
    least = _least(p)
    t, y = whole(treatment, "treatment", 0, len(p) - 1), whole(outcome, "outcome", 0, p.shape[1] - 1)
    return least[t, y], 1 - (least[t].sum() - least[t, y])


def _least(p: Array) -> Array:
    """max_z p(t, y | z), which every P(Y=y | do X=t) is at least; ``ValueError`` where they exceed one together."""
    least = p.max(axis=2)
    excess = least.sum(axis=1) - 1
    if any(e > (0 if is_exact(p) else ROUNDING) for e in excess):
        t = int(np.argmax(excess))
        raise ValueError(f"data: Σ_y max_z p({t}, y | z) is {float(excess[t]) + 1:.6g}, and should be at most 1")
    return least  # type: ignore[no-any-return]


def behaviour_without_signalling(data: Any, outcomes: ArrayLike) -> Array:
    """P[z, t, x, y], which does not signal, has the table at t = x, and P(Y=y | do X=t) = outcomes[t, y].

    data : as :func:`natural_bounds`. outcomes : a law of Y for each treatment, shape (treatments, outcomes).
    Raises ``ValueError`` where the natural bounds exclude it.

    >>> table = np.array([[[0.25, 0.5], [0.25, 0.0]], [[0.0, 0.5], [0.5, 0.0]]])  # [x, y, z]
    >>> P = behaviour_without_signalling(table, [[0.5, 0.5], [0.5, 0.5]])
    >>> P.sum(axis=2)[:, 1].tolist()  # of Y under do X = 1, for both z
    [[0.5, 0.5], [0.5, 0.5]]
    """
    p = instrumental_table(data).p
    _, q = _possible(p, outcomes)
    (X, Y, Z), taken = p.shape, p.sum(axis=1)
    P = _zeros((Z, X, X, Y), p)
    for z, t, x in np.ndindex(Z, X, X):
        if x == t:
            P[z, t, x] = p[t, :, z]
        elif not vanishes(np.asarray(1 - taken[t, z])):
            P[z, t, x] = taken[x, z] * (q[t] - p[t, :, z]) / (1 - taken[t, z])
    return P


def _zeros(shape: tuple[int, ...], like: Array) -> Array:
    return exact(np.zeros(shape, dtype=int)) if is_exact(like) else np.zeros(shape)


def _possible(p: Array, outcomes: ArrayLike) -> tuple[Array, Array]:
    """max_z p(t, y | z), and the laws of Y that are at least that."""
    least = _least(p)
    q = probabilities(outcomes, "outcomes", least.shape)
    least, q = common([least, q])
    below = q - least if is_exact(q) else q - least + ROUNDING
    for t, y in np.argwhere(below < 0).tolist():
        raise ValueError(f"outcomes: P(Y={y} | do X={t}) is {q[t, y]}, and should be at least {least[t, y]}")
    if not vanishes(np.asarray(q.sum(axis=1) - 1)):
        raise ValueError(f"outcomes: they sum to {[float(s) for s in q.sum(axis=1)]}, and should sum to 1 each")
    return least, q


def model_with_monotone_treatment(data: Any, outcomes: ArrayLike) -> Array:
    """Weights [k, y0, y1] of people who take the treatment from z = k on, Y(0) = y0 and Y(1) = y1: a classical model.

    It has the table, and P(Y=y | do X=t) = outcomes[t, y]; k runs up to the number of values of Z, for those who never
    take it. data : of two treatments, with p(1, y | z) rising and p(0, y | z) falling with z.
    Raises ``ValueError`` for another table, or where the natural bounds exclude the outcomes.

    >>> p = np.array([[[0.5, 0.1], [0.5, 0.3]], [[0.0, 0.4], [0.0, 0.2]]])  # with z = 0 nobody takes it
    >>> model_with_monotone_treatment(p, [[0.5, 0.5], [0.7, 0.3]]).sum().round(9)
    np.float64(1.0)
    """
    p = instrumental_table(data).p
    if len(p) != 2:
        raise ValueError(f"data: {len(p)} treatments should be two")
    rise = np.diff(p[1], axis=-1), -np.diff(p[0], axis=-1)  # [y, step]
    for t, steps in zip((1, 0), rise, strict=True):
        if any(step < (0 if is_exact(p) else -ROUNDING) for step in steps.flat):
            way = "rise" if t else "fall"
            raise ValueError(f"data: p({t}, y | z) should {way} with z, or treatment cannot be monotone")
    _, q = _possible(p, outcomes)
    with_treatment = np.column_stack([p[1, :, 0], rise[0], q[1] - p[1, :, -1]])  # of Y(1), by k
    without = np.column_stack([q[0] - p[0, :, 0], rise[1], p[0, :, -1]])  # of Y(0), by k
    weights = _zeros((p.shape[2] + 1, p.shape[1], p.shape[1]), p)
    for k, share in enumerate(with_treatment.sum(axis=0)):
        if not vanishes(np.asarray(share)):
            weights[k] = np.outer(without[:, k], with_treatment[:, k]) / share
    return weights


def classical_gain(p: ArrayLike) -> tuple[Any, Any]:
    """How far Balke and Pearl's lower bound on the effect exceeds the natural one, and their upper one falls below.

    p : p[x, y, z] of two values each, or a batch (..., 2, 2, 2); it should obey the instrumental inequality. With w for
    the other arm and ȳ, x̄ for the other values, the gain is the positive part of the greatest

        min( p(x, y | z) − P(Y=y | w),   p(x, ȳ | w) − p(x, ȳ | z) − p(x̄, y | z) ),

    of the lower bound over z and x = y, of the upper over z and x ≠ y. At most one of these is positive for each bound.

    >>> p = np.zeros((2, 2, 2))
    >>> p[[0, 1], 0, 0] = p[[0, 1], [0, 1], 1] = 0.5  # in one arm Y is 0, in the other it is X, and X is a fair coin
    >>> [float(gain) for gain in classical_gain(p)]
    [0.5, 0.0]
    """
    table = instrumental_behaviour(p)
    gains = []
    for pairs in (((0, 0), (1, 1)), ((1, 0), (0, 1))):
        found = table[..., 0, 0, 0] * 0
        for (x, y), z in ((pair, z) for pair in pairs for z in (0, 1)):
            found = np.maximum(found, _margin(table, x, y, z))
        gains.append(found if np.ndim(found) else found.item() if hasattr(found, "item") else found)
    return gains[0], gains[1]


def _margin(p: Array, x: int, y: int, z: int) -> Any:
    w = 1 - z
    first = p[..., x, y, z] - p[..., :, y, w].sum(axis=-1)
    second = p[..., x, 1 - y, w] - p[..., x, 1 - y, z] - p[..., 1 - x, y, z]
    return np.minimum(first, second)
