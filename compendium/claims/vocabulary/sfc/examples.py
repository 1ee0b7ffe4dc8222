"""What the symbols of Sec. 7 of Suresh, Frembs and Cavalcanti mean: the wire of Examples 1 and 2, and Example 3.

Operators carry the names of their spaces (`compendium.claims.operator_formulas`), so that a printed formula is computed
as it is printed. That is a second route: `qlib.quantum.evaluate` contracts a network and builds no such operator.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from compendium.claims.bound_indices import binder, index, lifted
from compendium.claims.operator_formulas import SystemOperator, operator_on, scalar, tensor_product
from compendium.claims.printed import ForAll
from compendium.claims.vocabulary.sfc.classical import sum_over
from qlib.numbers import is_zero
from qlib.numbers.exact_arrays import Array
from qlib.quantum import (
    COUNTERPOSSIBLE,
    IDENTITY,
    PAULI_X,
    PAULI_Z,
    Answer,
    CounterfactualQuery,
    Instrument,
    ProcessMixture,
    QuantumStructuralModel,
    Term,
    process_cj,
)

Names = dict[str, Any]
STAR = sp.Symbol("star")  # the value ∗ in a formula
LABELS = {"plus": "+", "minus": "-", "ket0": "0", "ket1": "1", "bp": "b"}
STATES: dict[str, Array] = {
    "0": (IDENTITY + PAULI_Z) / 2,
    "1": (IDENTITY - PAULI_Z) / 2,
    "+": (IDENTITY + PAULI_X) / 2,
    "-": (IDENTITY - PAULI_X) / 2,
}
SPACES = dict.fromkeys(("L_in", "L_out", "A_in", "A_out", "B_in", "B_out"), 2)  # of the wire Λ → A → B


def label(name: object) -> str:
    """What a name in a formula stands for.

    >>> label(sp.Symbol("plus")), label(sp.Integer(0)), label("phi")
    ('+', '0', 'phi')
    """
    return LABELS.get(str(name), str(name))


def identity_channel(H: str, K: str) -> SystemOperator:
    """The operator (14) of the identity channel of a qubit, from the space K to the space H."""
    return operator_on([H, K], process_cj(IDENTITY[None]))


def operator_names(spaces: Mapping[str, int], states: Mapping[str, Array]) -> Names:
    """The names of formulas about operators on given spaces: ⊗, transpose, projectors, identities, (14).

    spaces : name → dimension. states : name → projector [ψ].

    >>> names = operator_names({"A_in": 2}, STATES)
    >>> names["proj"](sp.Symbol("plus"), "A_in").array
    array([[1/2, 1/2],
           [1/2, 1/2]], dtype=object)
    """
    return {
        **{space: space for space in spaces},
        "kron": tensor_product,
        "tp": SystemOperator.transposed,
        "proj": lambda psi, H: operator_on({H: spaces[H]}, states[label(psi)]),
        "one": lambda H: operator_on({H: spaces[H]}, np.eye(spaces[H], dtype=int)),
        "rho_id": identity_channel,
    }


def element(instrument: Instrument, outcome: Any, node: str) -> Any:
    """An element of an instrument, on the spaces that carry the node's name, as formulas are compared."""
    systems = {f"{node}_out": instrument.d_out, f"{node}_in": instrument.d_in}
    return operator_on(systems, instrument[outcome])._sympy_()


def trace_over(*nodes: str) -> Callable[[SystemOperator], SystemOperator]:
    """The partial trace over the inputs and the outputs of some nodes."""
    return lambda acting: acting.trace(*(f"{node}_{side}" for node in nodes for side in ("in", "out")))


def without(acting: SystemOperator, space: str) -> Any:
    """An operator that is the identity on a space, without it, as it is printed; ``ValueError`` if it is not."""
    rest = acting.trace(space) / acting.systems[space]
    if not all(map(is_zero, (rest.padded({space: acting.systems[space]}) - acting).array.flat)):
        raise ValueError(f"space: the operator is not the identity on {space}, so that it cannot be left out")
    return rest._sympy_()


def literal_product(*operators: SystemOperator) -> SystemOperator:
    """⊗ taken literally: a space that occurs twice is two spaces, the second with a prime."""
    factors: list[SystemOperator] = []
    seen: set[str] = set()
    for factor in operators:
        named = {name + "'" * (name in seen): d for name, d in factor.systems.items()}
        factors.append(SystemOperator(named, factor.array))
        seen |= set(factor.systems)
    return tensor_product(*factors)


LITERAL: Names = {  # for (54), (55) and (67), where ⊗ is printed between operators that share a space
    "kron": literal_product,
    "tr_B": lambda acting: sp.factor(scalar(acting.trace(*(s for s in acting.systems if s.startswith("B_"))))),
}


def quotient(numerator: Any, denominator: Any) -> Any:
    """A conditional probability, or ∗ if the condition is impossible.

    >>> quotient(sp.Integer(0), sp.Integer(0)), quotient(sp.Integer(1), sp.Integer(2))
    (star, 1/2)
    """
    return STAR if denominator == 0 else numerator / denominator


@dataclass(frozen=True, eq=False)
class Wire:
    """The wire Λ → A → B, as the formulas of Examples 1 and 2 speak of it.

    model : its node Λ prepares one of `states`, by their names. at_a, at_b : the instruments by their numbers z; the
    actual one at A is number 1. states : projectors by name.
    """

    model: QuantumStructuralModel
    at_a: Mapping[int, Instrument]
    at_b: Mapping[int, Instrument]
    states: Mapping[str, Array]

    def names(self, number: int | None = None) -> Names:
        """The meaning of all names, of P_z' and its like for the instruments with a number at A and B."""
        return {
            **operator_names(SPACES, self.states),
            **{name: sp.Symbol(name) for name in (*LABELS, "phi", "phi_bar")},
            **{"lam": index("lam"), "star": STAR, "quotient": quotient, "sigma": self.sigma},
            "tau_A": lambda a, z: operator_on(["A_out", "A_in"], self.at_a[int(z)][label(a)]),
            "tau_B": lambda b, z: operator_on(["B_out", "B_in"], self.at_b[int(z)][label(b)]),
            "chan_B": lambda z: operator_on(["B_out", "B_in"], self.at_b[int(z)].channel),
            **{f"tr_{over}": lambda X, over=over: sp.factor(scalar(trace_over(*over)(X))) for over in ("AB", "B")},
            **(self._probabilities(number) if number else {}),
        }

    def sigma(self, value: Any) -> SystemOperator:
        """σ^λ, as (38), (57) and (58) have it: [λ] at the input of A, and the identity channel from A to B."""
        return tensor_product(identity_channel("B_in", "A_out"), operator_on(["A_in"], self.states[label(value)]))

    def definition_names(self) -> Names:
        """The names of (24): the process, the elements of Λ as in (19), their probabilities, the trace over Λ."""
        weights = dict(zip(self.model.exogenous["Λ"], self.model.weights["Λ"], strict=True))
        prepare = self.model.preparations["Λ"]
        return {
            "rho_U": identity_channel("B_in", "A_out") * identity_channel("A_in", "L_out"),
            "tau_tilde": lambda value: operator_on(["L_out", "L_in"], prepare[label(value)] / 2),
            "P": lambda value: weights[label(value)],
            "tr_L": trace_over("L"),
        }

    def _born(self, value: Any, number: int, a: Any, *b: Any) -> Any:
        """Tr[σ^λ (τ_A ⊗ τ_B)], with the channel at B if no outcome is named there."""
        at_B = self.at_b[number]
        B = operator_on(["B_out", "B_in"], at_B[label(b[0])] if b else at_B.channel)
        A = operator_on(["A_out", "A_in"], self.at_a[number][label(a)])
        return sp.factor(scalar(trace_over("A", "B")(self.sigma(value) * tensor_product(A, B))))

    def _probabilities(self, number: int) -> Names:
        values, prior = self.model.exogenous["Λ"], self.model.weights["Λ"]

        def posterior(value: Any, a: Any) -> Any:  # (27)
            weighed = {l: p * self._born(l, 1, a) for l, p in zip(values, prior, strict=True)}
            return weighed[label(value)] / sum(weighed.values())

        def born(value: Any, event: Any) -> Any:  # (25), of a' or of (b', a')
            *b, a = event if isinstance(event, tuple | sp.Tuple) else (event,)
            return self._born(value, number, a, *b)

        def conditional(value: Any, b: Any, a: Any) -> Any:  # (26)
            return quotient(born(value, (b, a)), born(value, a))

        return {"P_zp": born, "Pc_z": lifted(posterior), "Pc_zp": lifted(conditional), "Sum": sum_over(values)}


# --- answers ----------------------------------------------------------------------------------------------------------


def terms_of(answer: Answer) -> dict[Any, Term]:
    """The terms of the average (29) by the value of λ, at the only exogenous node."""
    return {next(iter(term.values.values())): term for term in answer.terms}


def for_all(terms: Mapping[Any, Term]) -> ForAll:
    """P^λ(b'|a') as a function of λ."""
    return ForAll(lambda lam: terms[lam].probability, {"lam": tuple(terms)})


def value(answer: Answer | Term) -> Any:
    """An answer as it stands in a formula: the probability, or the symbol for ∗."""
    return STAR if answer.probability is COUNTERPOSSIBLE else answer.probability


def numbers_of(query: CounterfactualQuery) -> dict[str, int]:
    """z'_A and z'_B of a query whose instruments are named by their numbers."""
    return {f"zp_{node}": int(instrument.name) for node, instrument in query.counterfactual.items()}


def same_answer(one: Answer, other: Answer) -> bool:
    """Whether two answers are the same function of the free entries of the element of b' that each asks about."""
    asked = [list(answer.query.counterfactual["B"]["b"].flat) for answer in (one, other)]
    return is_zero(one.probability.subs(list(zip(*asked, strict=True))) - other.probability)


def same_elements(one: Instrument, other: Instrument) -> bool:
    """Whether two instruments consist of the same maps, however these are labelled."""
    pairs = [(s, t) for s in one.operators.values() for t in other.operators.values()]
    return sum(all(map(is_zero, (s - t).flat)) for s, t in pairs) == len(one.outcomes) == len(other.outcomes)


def in_words(state: Array) -> str:
    """Which of two opposites a state is: pure, as a maximally entangled state is, or maximally mixed.

    >>> in_words(IDENTITY / 2), in_words(STATES["+"])
    ('maximally mixed', 'pure')
    """
    purity = np.trace(state @ state)
    known = {"pure": 1, "maximally mixed": sp.Rational(1, len(state))}
    return next((word for word, least in known.items() if is_zero(purity - least)), "neither pure nor maximally mixed")


def conditional_term(answer: Answer, measured: Instrument) -> Any:
    """The middle of (73)–(76), P(b'|a') under what is done at A: ``Pc_z(b, a)`` if it is measured as before."""
    at_A = answer.query.counterfactual["A"]
    (a,), (b,) = answer.query.antecedent.values(), answer.query.consequent.values()
    return sp.Function("Pc_z" if at_A is measured else f"Pc_do{at_A.outcomes[0]}")(b, a)


CONDITIONALS: Names = {name: sp.Function(name) for name in ("Pc_z", "Pc_do0", "Pc_do1")}


def mixture_names(mixture: ProcessMixture) -> Names:
    """The names of σ = Σ P(λ) σ^λ, Sec. 9, for a convex decomposition of a process operator."""
    size = len(mixture.process_operator().array)
    add = binder(operator.add, sp.zeros(size, size))
    return {
        "Sum": lambda term, bound: add(term, (bound, tuple(mixture.weights))),
        "P": lifted(lambda fact: mixture.weights[fact]),
        "sigma_given": lifted(lambda fact: sp.Matrix(mixture.components[fact].array)),
        "lam": index("lam"),
    }
