"""What the symbols of Secs. 5 and 7 of Suresh, Frembs and Cavalcanti mean: abduction, action and prediction.

A probability is given as a function, however it was derived; the operators that a formula also mentions come from a
model. So a formula compares routes that share nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from compendium.claims.bound_indices import binder, lifted
from compendium.claims.operator_formulas import SystemOperator, operator_on
from compendium.claims.vocabulary.sfc.quantum import ALGEBRA, element, elements, sum_over
from qlib.numbers.arguments import Array
from qlib.quantum import Instrument

Probability = Callable[..., Any]  # of λ and outcomes, in the order that each function says


def counterfactual_names(
    chance: Probability, processes: Mapping[Any, SystemOperator], instruments: Mapping[str, Instrument]
) -> dict[str, Any]:
    """The names of (26), with the antecedent at the node B and the consequent at C.

    chance : of λ and some outcomes, under the instruments z′; what is not mentioned is summed over.
    processes : λ → σ^λ. instruments : node → its instrument in z′.
    """

    def ignored(*asked: str) -> SystemOperator:
        return elements({node: z for node, z in instruments.items() if node not in asked}, {})

    return ALGEBRA | {
        "P_zp": lambda lam, event: chance(lam, *(event if isinstance(event, tuple) else (event,))),
        "sigma": processes.__getitem__,
        "tau_B": lambda b, z: element("B", instruments["B"], b),
        "tau_C": lambda c, z: element("C", instruments["C"], c),
        "chan_notBC": lambda z: ignored("B", "C"),
        "chan_notB": lambda z: ignored("B"),
        **dict.fromkeys(("zp", "zp_B", "zp_C"), "z′"),
    }


def abduction_names(
    prior: Mapping[Any, Any],
    likelihood: Probability,
    processes: Mapping[Any, SystemOperator],
    process: SystemOperator,
    found: Mapping[Any, SystemOperator],
) -> dict[str, Any]:
    """The names of (27).

    prior : λ → P(λ). likelihood : of outcomes a and λ, P_z(a | λ). processes : λ → σ^λ, and `process`, their average.
    found : a → the element at all nodes.

    >>> from compendium.claims.printed import parse
    >>> names = abduction_names({0: 1, 1: 2}, lambda a, lam: 3 + lam, {}, None, {}) | {"a": "+", "lam": 1}
    >>> parse("Pc_z(a, lam)*P(lam)/P_z(a)", names)
    8/11
    """
    return ALGEBRA | {
        "Pc_z": likelihood,
        "P_z": lambda a: sum(p * likelihood(a, lam) for lam, p in prior.items()),
        "P": prior.__getitem__,
        "sigma_given": processes.__getitem__,
        "sigma": process,
        "tau": lambda a, z: found[a],
        "z": "z",
    }


def do_names(rho: Array) -> dict[str, Any]:
    """The names of (28): the state ρ that is prepared at the output of a qubit's node A."""
    return ALGEBRA | {"rho": operator_on(["A_out"], rho)}


def answer_names(posterior: Probability, conditional: Probability, values: Sequence[Any], star: Any) -> dict[str, Any]:
    """The names of (29): P_z(λ | a), of λ and a; P^λ_z′(c′ | b′), of λ, c′ and b′; the values of λ; the symbol ∗.

    >>> from compendium.claims.printed import parse
    >>> names = answer_names(lambda lam, a: a, lambda lam, c, b: c * lam + b, (1, 2), None)
    >>> parse("Sum(Pc_z(lam, a)*Pc_zp(lam, cp, bp), lam)", names | {"a": 1, "cp": 10, "bp": 4})
    38
    """
    return {
        "Pc_z": lifted(posterior),
        "Pc_zp": lifted(conditional),
        "Sum": sum_over(lam=values),
        "lam": ALGEBRA["lam"],
        "star": star,
    }


def answerable_names(posterior: Probability, antecedent: Probability, values: Sequence[Any]) -> dict[str, Any]:
    """The names of (34): P_z(λ | a), of λ and a; P^λ_z′(b′), of λ and b′; the values of λ. True is 1, false 0.

    >>> from compendium.claims.printed import parse
    >>> names = answerable_names(lambda lam, a: lam == a, lambda lam, b: lam != b, (0, 1))
    >>> formula = "forall(implies(positive(Pc_z(lam, a)), positive(P_zp(lam, bp))), lam)"
    >>> [int(parse(formula, names | {"a": a, "bp": 1})) for a in (0, 1)]
    [1, 0]
    """
    every = binder(operator.mul, 1)
    return ALGEBRA | {
        "Pc_z": lifted(posterior),
        "P_zp": lifted(antecedent),
        "positive": lifted(lambda value: int(bool(value > 0))),
        "implies": lifted(lambda premise, conclusion: int(bool(conclusion >= premise))),
        "forall": lambda body, lam: every(body, (lam, tuple(values))),
    }
