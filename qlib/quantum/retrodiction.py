"""What a result says of the state that was sent, if nothing recorded which it was: Petz's recovery as abduction.

If the state ρ of an exogenous node is a mixture of recorded states ρ^λ, the evidence a, with the effect E on that node,
leaves Σ P(λ) Tr[ρ^λ E] ρ^λ / P(a), by the classical Bayes rule (27) of Suresh, Frembs & Cavalcanti (2023). Where there
is no record, Sec. 9 of the paper asks for a quantum Bayes rule. Petz's map is one: √ρ E √ρ / P(a).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from qlib.numbers.arguments import numbers, probabilities, require_shape
from qlib.numbers.exact_arrays import Array, is_exact, simplified, vanishes
from qlib.quantum.channels import density_operator, require_positive, validate_state
from qlib.quantum.dilations import square_root


def petz_posterior(rho: ArrayLike, effect: ArrayLike) -> Array:
    """√ρ E √ρ / Tr[ρ E]: the state that a result leaves believable, where no record says which was sent.

    rho, effect : shape (d, d). Raises ``ValueError`` for what is no state or no effect, or a result that cannot be.

    >>> petz_posterior(np.eye(2) / 2, np.diag([1.0, 0.0])).real.round(12).tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    rho, E, chance = _evidence(rho, effect)
    root = square_root(rho)
    found = root @ E @ root
    return simplified(found / chance) if is_exact(found) else np.asarray(found / chance)


def record_posterior(weights: ArrayLike, states: ArrayLike, effect: ArrayLike) -> Array:
    """Σ P(λ | a) ρ^λ: the same where a record says which of the states was sent, eq. (27).

    weights : P(λ), shape (λ,). states : shape (λ, d, d), or kets, (λ, d). Raises ``ValueError`` as `petz_posterior`
    does, and for weights that do not sum to one or are not as many as the states.

    >>> record_posterior([0.5, 0.5], [np.diag([1, 0]), np.eye(2) / 2], np.diag([1, 0])).round(12).tolist()
    [[0.833333333333, 0.0], [0.0, 0.166666666667]]
    """
    p = probabilities(weights, "weights", (None,))
    rho = numbers(states, "states")
    if rho.ndim == 2:
        rho = np.array([density_operator(ket, "states") for ket in rho])
    require_shape(rho, "states", (None, "d", "d"))
    require_shape(rho, "states", (len(p), *rho.shape[1:]))
    if not vanishes(np.asarray(p.sum() - 1)):
        raise ValueError(f"weights: they sum to {p.sum()}, and should sum to 1")
    for one in rho:
        validate_state(one)
    _, E, chance = _evidence(np.einsum("k,kij->ij", p, rho), effect)
    learnt = np.array([w * np.trace(one @ E) / chance for w, one in zip(p, rho, strict=True)])
    found = np.einsum("k,kij->ij", learnt, rho)
    return simplified(found) if is_exact(found) else np.asarray(found)


def _evidence(rho: ArrayLike, effect: ArrayLike) -> tuple[Array, Array, Any]:
    """A state, an effect on it, and the probability of that."""
    R, E = density_operator(rho, "rho"), numbers(effect, "effect")
    require_shape(R, "rho", ("d", "d"))
    validate_state(R)
    require_shape(E, "effect", R.shape)
    require_positive(E, "effect")
    require_positive(np.eye(len(E), dtype=int) - E, "effect", "the identity less it")
    chance = np.trace(R @ E)
    if vanishes(np.asarray(chance), 1e-12):
        raise ValueError("effect: its probability Tr[ρ E] is zero, so that nothing can be learnt from it")
    return R, E, chance
