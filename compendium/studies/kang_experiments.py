"""Kang's Experiments 1 to 3, each a seeded function of its parameters, in two variants: "as written" and "as coded".

Two qubits that are measured in the XZ plane are described by a *table* D[i, j] = ⟨σᵢ ⊗ σⱼ⟩ with σ = (1, Z, X): nothing
else of their state can show. The measurement at an angle α is of cos 2α Z + sin 2α X; outcome 0 belongs to +1. Angles
are a = 0, a′ = π/4 for the first qubit and b = π/8, b′ = −π/8 for the second; S = E(ab) + E(ab′) + E(a′b) − E(a′b′);
the confounding strength is CS = |S|/2. Kang (2025), Methods.

Arrays lead with axes of repetition (...); a law is p[..., s, t, a, b], setting and outcome of either qubit. A simulated
experiment is a data frame with one row for each thing measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from qlib.circuits.circuits import CHSH_ANGLES
from qlib.correlations.behaviours import correlators_of_behaviour
from qlib.numbers.arguments import Floats, probabilities, real_number, reals, require, require_broadcast, whole
from qlib.quantum.two_qubits import chsh_value

if TYPE_CHECKING:
    import pandas as pd

Variant = Literal["as written", "as coded"]
SHOTS = (
    10_000  # for each circuit, and trials of Experiments 1, 2 and 3 (for each angle, as coded): the published design
)
TRIALS = (30, 100, 5)
STEPS = 25  # angles of Experiment 3
MOST = 10**6  # repetitions that are simulated at once
SLACK = 1e-9  # by which rounding may move a correlator, or a sum of probabilities, beyond 1
FLIP = 0.005  # rate at which the product of the classical strategy's two outcomes is flipped, as coded


def schmidt_table(theta: ArrayLike) -> Floats:
    """D of cos θ |00⟩ + sin θ |11⟩: shape (..., 3, 3) for angles of shape (...).

    >>> schmidt_table(np.pi / 4).round(12).diagonal().tolist()
    [1.0, 1.0, 1.0]
    """
    angle = 2 * reals(theta, "theta")
    table = np.zeros((*angle.shape, 3, 3))
    table[..., 0, 0] = table[..., 1, 1] = 1
    table[..., 0, 1] = table[..., 1, 0] = np.cos(angle)
    table[..., 2, 2] = np.sin(angle)
    return table


def product_table(t: ArrayLike, f: ArrayLike) -> Floats:
    """D of the product of two qubits, each prepared by Ry(t) and then Rz(f).

    t, f : shape (..., 2), last the qubit. Returns (..., 3, 3).
    Raises ``ValueError`` for other shapes.

    >>> product_table([0, np.pi / 2], [0, 0]).round(12).tolist()
    [[1.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
    """
    polar, phase = reals(t, "t"), reals(f, "f")
    if polar.shape != phase.shape or polar.shape[-1:] != (2,):
        raise ValueError(f"angles: shapes {polar.shape} and {phase.shape} should be the same, (..., 2)")
    bloch = np.stack([np.ones_like(polar), np.cos(polar), np.sin(polar) * np.cos(phase)], axis=-1)
    return np.asarray(np.einsum("...i,...j->...ij", bloch[..., 0, :], bloch[..., 1, :]))


def random_product_table(size: int, rng: np.random.Generator) -> Floats:
    """D of product states as the published code draws them: t uniform on [0, π], f uniform on [0, 2π).

    >>> random_product_table(5, np.random.default_rng(1)).shape
    (5, 3, 3)
    """
    whole(size, "size", 0, MOST)
    require(np.random.Generator, rng=rng)
    return product_table(rng.uniform(0, np.pi, (size, 2)), rng.uniform(0, 2 * np.pi, (size, 2)))


def law(table: ArrayLike, angles: ArrayLike = CHSH_ANGLES) -> Floats:
    """p[..., s, t, a, b] of a table D[..., 3, 3], for angles[qubit, setting].

    Raises ``ValueError`` if D[0, 0] is not 1, or a probability is negative: then no state has this table.

    >>> law(schmidt_table(np.pi / 4))[0, 0].round(4).tolist()
    [[0.4268, 0.0732], [0.0732, 0.4268]]
    """
    D, twice = reals(table, "table", (..., 3, 3)), 2 * reals(angles, "angles", (2, None))
    sign = np.array([1, -1])
    cosine, sine = (sign * function(twice)[..., None] for function in (np.cos, np.sin))
    effects = np.stack([np.ones_like(cosine), cosine, sine], axis=-1) / 2  # qubit, setting, outcome, (1, Z, X)
    p = np.einsum("sai,tbj,...ij->...stab", effects[0], effects[1], D)
    if not (abs(D[..., 0, 0] - 1).max() <= 1e-12 and p.min() >= -1e-12):  # rounding of numbers of order one
        raise ValueError(f"table: D[0, 0] should be 1 and no probability negative, but the lowest is {p.min():.3g}")
    return np.asarray(p.clip(0))


def confounding_strength(E: ArrayLike) -> Any:
    """CS = |S|/2 of correlators E[..., i, j] in [−1, 1], index 0 the identity. Kang (2025), eq. (1).

    >>> p = law(schmidt_table(np.pi / 4))
    >>> round(float(confounding_strength(correlators_of_behaviour(p))), 12) == round(2**0.5, 12)
    True
    """
    return abs(chsh_value(chsh_correlators(E))) / 2


def chsh_correlators(E: ArrayLike) -> Floats:
    """The argument as correlators E[..., i, j], index 0 the identity; ``ValueError`` for what is none.

    >>> chsh_correlators(np.full((3, 3), 1.5))
    Traceback (most recent call last):
        ...
    ValueError: E: its largest entry is 1.5; correlators lie between -1 and 1
    """
    values = reals(E, "E", (..., 3, 3))
    if (most := abs(values).max(initial=0.0)) > 1 + SLACK:
        raise ValueError(f"E: its largest entry is {most:.6g}; correlators lie between -1 and 1")
    return values


def sampled(p: ArrayLike, shots: int, rng: np.random.Generator) -> Floats:
    """Relative frequencies [..., s, t, a, b] of so many shots for each pair of settings, all drawn at once.

    Raises ``ValueError`` for a number of shots that is not positive, or a p whose outcomes have no law.

    >>> sampled(law(schmidt_table(0)), 100, np.random.default_rng(1))[0, 0].sum(axis=1).tolist()
    [1.0, 0.0]
    """
    whole(shots, "shots", 1)
    require(np.random.Generator, rng=rng)
    P = probabilities(p, "p", (..., 2, 2))
    flat = P.reshape(*P.shape[:-2], 4)
    if abs(flat.sum(-1) - 1).max(initial=0.0) > SLACK:
        raise ValueError("p: the probabilities of the outcomes, for each pair of settings, should sum to 1")
    counts = rng.multinomial(shots, flat / flat.sum(-1, keepdims=True))
    return np.asarray(counts.reshape(P.shape) / shots)


def strength_sd(E: ArrayLike, shots: int) -> Any:
    """Standard deviation of S/2 from so many shots for each pair of settings: √(Σ(1 − E²)/N)/2, exactly.

    E : correlators, shape (..., 3, 3), index 0 the identity.

    >>> round(float(strength_sd(np.full((3, 3), 0.5**0.5), shots=1000)), 4)
    0.0224
    """
    whole(shots, "shots", 1)
    both = chsh_correlators(E)[..., 1:, 1:]
    return np.sqrt(np.sum((1 - both**2).clip(0), axis=(-1, -2)) / shots) / 2


def shots_behind(values: ArrayLike, decimals: int = 4) -> int:
    """The number of shots N for each circuit, read off estimated correlators, or off values of S.

    A correlator from an even number N of shots is 2k/N − 1 with k whole, so that it is a multiple of 2/N, and so is S:
    N is 2 over the greatest common step. It is the least N that the values allow; with 2N half of them would lie
    between two steps.
    decimals : with so many the values are exact. Raises ``ValueError`` for values that have more, or none but zeros.

    >>> shots_behind([1.4204, 1.4022, 1.4]), shots_behind([0.724, 0.708, 0.146], decimals=3)
    (10000, 1000)
    """
    two = int(2 * 10 ** whole(decimals, "decimals", 0, 15))
    scaled = reals(values, "values") * 10**decimals
    if abs(scaled).max(initial=0) > 2 * two:
        raise ValueError("values: correlators lie between -1 and 1, and values of S between -4 and 4")
    steps = np.rint(scaled).astype(np.int64)
    if np.any(abs(scaled - steps) > 1e-9 * np.maximum(abs(scaled), 1)) or not np.any(steps):
        raise ValueError(f"values: should be multiples of 1e-{decimals}, and not all zero")
    return two // int(np.gcd.reduce([*steps.ravel(), two]))


def _require_sizes(rng: np.random.Generator, shots: int, trials: int = 1, steps: int = STEPS) -> None:
    require(np.random.Generator, rng=rng)
    whole(shots, "shots", 1)
    whole(trials, "trials", 1, MOST // STEPS)
    whole(steps, "steps", 1, 10 * STEPS)


def _require(variant: str) -> bool:
    if variant not in ("as written", "as coded"):
        raise ValueError(f"variant={variant!r}: should be 'as written' or 'as coded'")
    return variant == "as coded"


# ------------------------------------------------------------------------------------------------------- Experiment 1


def experiment_1(
    variant: Variant, rng: np.random.Generator, trials: int = TRIALS[0], shots: int = SHOTS
) -> pd.DataFrame:
    """Columns trial, quantity, value: correlations with and without the confounder, and a marginal in two conditions.

    Quantities: "E_ZZ", "E_XX" of the Bell state and of a product state; "P(A=0), B measured" and "P(A=0), B not
    measured". As written the product state is not named: |0⟩|+⟩ is taken, whose two correlations both vanish, and A is
    tallied in both conditions. As coded it is |++⟩ and measured in Z only, and with B measured it is B's outcomes that
    are tallied under A's name. Kang (2025), Experiment 1.

    >>> table = experiment_1("as coded", np.random.default_rng(1), trials=2)
    >>> table[table.quantity == "E_ZZ, Bell"].value.tolist()
    [1.0, 1.0]
    """
    _require_sizes(rng, shots, trials=trials)
    import pandas as pd

    coded = _require(variant)
    axes = np.array([[0, np.pi / 4]] * 2)  # Z and X of either qubit
    bell = law(np.broadcast_to(schmidt_table(np.pi / 4), (trials, 3, 3)), axes)
    product = law(np.broadcast_to(product_table([np.pi / 2 if coded else 0, np.pi / 2], [0, 0]), (trials, 3, 3)), axes)
    frequencies, control, again = sampled(bell, shots, rng), sampled(product, shots, rng), sampled(bell, shots, rng)
    quantities = {
        "E_ZZ, Bell": correlators_of_behaviour(frequencies)[:, 1, 1],
        "E_XX, Bell": correlators_of_behaviour(frequencies)[:, 2, 2],
        "E_ZZ, product": correlators_of_behaviour(control)[:, 1, 1],
        "P(A=0), B measured": again[:, 0, 0].sum(axis=-2 if coded else -1)[:, 0],
        "P(A=0), B not measured": rng.binomial(shots, bell[:, 0, 0].sum(axis=-1)[:, 0]) / shots,
    }
    if not coded:
        quantities["E_XX, product"] = correlators_of_behaviour(control)[:, 2, 2]
    return pd.DataFrame(
        {
            "trial": np.tile(np.arange(trials), len(quantities)),
            "quantity": np.repeat(list(quantities), trials),
            "value": np.concatenate(list(quantities.values())),
        }
    )


# ------------------------------------------------------------------------------------------------------- Experiment 2


def experiment_2(
    variant: Variant,
    rng: np.random.Generator,
    trials: int = TRIALS[1],
    shots: int = SHOTS,
    flip: float = FLIP,
    visibility: float = 1.0,
) -> pd.DataFrame:
    """Columns scenario, trial, CS (measured) and law (of the state or strategy behind it, without sampling noise).

    none : a product state; as written one and the same, here |00⟩; as coded a new random one for each trial.
    classical : the strategy that always answers +1; as coded, the *product* of its two outcomes is flipped with
    probability `flip` in each shot, so that E CS = 1 − 2 flip. (Flips of either outcome would make it (1 − 2 flip)².)
    quantum : Φ⁺, mixed with white noise to the given visibility (1: none). Kang (2025), Experiment 2, Fig. 2.

    >>> table = experiment_2("as written", np.random.default_rng(1))
    >>> table[table.scenario == "classical"].CS.unique().tolist()
    [1.0]
    """
    _require_sizes(rng, shots, trials=trials)
    real_number(flip, "flip", 0, 1)
    real_number(visibility, "visibility", 0, 1)
    import pandas as pd

    coded = _require(variant)
    fixed = np.broadcast_to(product_table([0, 0], [0, 0]), (trials, 3, 3))
    product = law(random_product_table(trials, rng) if coded else fixed)
    mixed = visibility * law(schmidt_table(np.pi / 4)) + (1 - visibility) / 4
    rate = flip if coded else 0.0
    answers = np.ones((trials, 3, 3))  # correlators; the means of either alone do not matter
    answers[:, 1:, 1:] = 1 - 2 * rng.binomial(shots, rate, (trials, 2, 2)) / shots
    strengths = {
        "none": (sampled(product, shots, rng), confounding_strength(correlators_of_behaviour(product))),
        "classical": (answers, np.full(trials, 1 - 2 * rate)),
        "quantum": (sampled(np.broadcast_to(mixed, (trials, *mixed.shape)), shots, rng), np.full(trials, np.nan)),
    }
    exact = confounding_strength(correlators_of_behaviour(mixed))
    rows = [
        pd.DataFrame(
            {
                "scenario": name,
                "trial": np.arange(trials),
                "CS": confounding_strength(data if name == "classical" else correlators_of_behaviour(data)),
                "law": exact if name == "quantum" else behind,
            }
        )
        for name, (data, behind) in strengths.items()
    ]
    return pd.concat(rows, ignore_index=True)


def t_interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Student's interval for the mean of independent values.

    Raises ``ValueError`` for fewer than two values, or a level outside (0, 1).

    >>> [round(end, 3) for end in t_interval([1.373, 1.397])]
    [1.233, 1.537]
    """
    real_number(level, "level")
    x = reals(values, "values")
    if x.ndim != 1 or len(x) < 2:
        raise ValueError(f"values: shape {x.shape} should be (n,) with n at least 2, as their spread is asked for")
    if not 0 < level < 1:
        raise ValueError(f"level={level}: should lie between 0 and 1")
    half = stats.t.ppf((1 + level) / 2, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x))
    return float(x.mean() - half), float(x.mean() + half)


# ------------------------------------------------------------------------------------------------------- Experiment 3


def experiment_3(
    variant: Variant, rng: np.random.Generator, steps: int = STEPS, trials: int = TRIALS[2], shots: int = SHOTS
) -> pd.DataFrame:
    """Columns theta (rad), concurrence, CS (mean of the trials) and law, one row for each angle in [0, π/2].

    As written each angle has one trial, whatever `trials` says; as coded it has so many, and the mean is taken.
    Kang (2025), Experiment 3, Fig. 3.

    >>> experiment_3("as coded", np.random.default_rng(1)).law.round(4).iloc[[0, 12]].tolist()
    [0.7071, 1.4142]
    """
    _require_sizes(rng, shots, trials=trials, steps=steps)
    import pandas as pd

    repeats = trials if _require(variant) else 1
    theta = np.linspace(0, np.pi / 2, steps)
    p = law(schmidt_table(theta))
    measured = confounding_strength(
        correlators_of_behaviour(sampled(np.broadcast_to(p, (repeats, *p.shape)), shots, rng))
    )
    return pd.DataFrame(
        {
            "theta": theta,
            "concurrence": abs(np.sin(2 * theta)),
            "CS": measured.mean(axis=0),
            "law": confounding_strength(correlators_of_behaviour(p)),
        }
    )


def coefficient_of_determination(measured: ArrayLike, predicted: ArrayLike) -> Any:
    """R² = 1 − Σ(y − ŷ)²/Σ(y − ȳ)² along the last axis. Raises ``ValueError`` where y is constant.

    >>> float(coefficient_of_determination([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]))
    1.0
    """
    y, fitted = reals(measured, "measured", (..., "n")), reals(predicted, "predicted", (..., "m"))
    require_broadcast(fitted, "predicted", y.shape)
    spread = np.sum((y - y.mean(axis=-1, keepdims=True)) ** 2, axis=-1)
    if not np.all(spread > 0):
        raise ValueError("measured: all values are the same, so that there is no variance to explain")
    return 1 - np.sum((y - fitted) ** 2, axis=-1) / spread


def fit_statistics(rng: np.random.Generator, runs: int, steps: int = STEPS, shots: int = 50_000) -> pd.DataFrame:
    """Columns R2 and r, one row for each simulated run of Experiment 3: a sample of these two random variables.

    shots : for each correlator, those of all trials of an angle together. The number of equal outcomes is binomial.

    >>> bool((fit_statistics(np.random.default_rng(1), runs=10) > 0.998).all(axis=None))
    True
    """
    whole(runs, "runs", 0, MOST // STEPS)
    whole(steps, "steps", 3)  # at the ends the concurrence is the same
    _require_sizes(rng, shots, steps=steps)
    import pandas as pd

    theta = np.linspace(0, np.pi / 2, steps)
    E = correlators_of_behaviour(law(schmidt_table(theta)))
    measured = np.broadcast_to(E, (runs, *E.shape)).copy()
    both = E[:, 1:, 1:]
    measured[..., 1:, 1:] = 2 * rng.binomial(shots, (1 + both) / 2, (runs, *both.shape)) / shots - 1
    y = confounding_strength(measured)
    concurrence = abs(np.sin(2 * theta))
    c = (concurrence - concurrence.mean()) / np.linalg.norm(concurrence - concurrence.mean())
    centred = y - y.mean(axis=1, keepdims=True)
    r = centred @ c / np.linalg.norm(centred, axis=1)
    return pd.DataFrame({"R2": coefficient_of_determination(y, confounding_strength(E)), "r": r})
