"""Exact arithmetic, and what is proved with it: zeros and signs, linear programs, cones, networks of tensors, tests.

An array is *exact* if its dtype is ``object`` and its entries are SymPy numbers or expressions; any other array holds
floating-point numbers. Every function of `qlib` takes both, and answers in the number system that it was given.

* Whether an exact number is zero, or which sign it has, is decided and never guessed: `is_zero`, `exact_sign`. What
  cannot be decided is an error that says so. In floating point nothing is small by itself: `negligible` asks for the
  scale of what a number was computed from.
* A `LinearProgram` has variables and constraints with names. `solve` finds its optimum, `certificate` proves it in
  rational arithmetic, and if there is none, `farkas_certificate` names the constraints that contradict each other.
* `solve_semidefinite` is the same for matrices that have to be positive, in floating point: its answers are verified
  where they are used.
* `contract` and `Network` sum products of tensors by elimination, so that a model of forty variables costs no more than
  its width allows.
* `acceptance_region`, `best_bet` and `accumulate` weigh what was counted against a class of models.

>>> import sympy as sp
>>> is_zero_expression(sp.cos(sp.pi / 7) - sp.cos(2 * sp.pi / 7) + sp.cos(3 * sp.pi / 7) - sp.Rational(1, 2))
True
>>> coin = Constraint("total", {"heads": 1, "tails": 1}, sp.sqrt(2) / 2)
>>> certificate(LinearProgram(("heads", "tails"), {"heads": 1}, (coin,)), "max").value
sqrt(2)/2
"""

from qlib.numbers.algebraic_numbers import (
    NotEnclosed,
    Undecided,
    differs,
    enclosure,
    is_of_square_roots,
    is_real,
    is_zero_expression,
    separation,
    sign,
    simplest_form,
    with_roots,
)
from qlib.numbers.arguments import (
    all_of,
    as_it_stands,
    distinct,
    numbers,
    one_of,
    probabilities,
    real_number,
    reals,
    require,
    require_alike,
    require_broadcast,
    require_shape,
    several,
    show,
    table,
    whole,
    wholes,
)
from qlib.numbers.exact_arrays import (
    absolute,
    agree,
    as_complex,
    as_float,
    coincide,
    common,
    conditional_probability,
    conjugate,
    exact,
    exact_sign,
    expanded,
    field_matrix,
    free_array,
    has_free_symbols,
    is_exact,
    is_finite,
    is_positive_semidefinite,
    is_zero,
    maximum,
    minimum,
    negligible,
    number,
    quotient,
    rational,
    recognised,
    rounded,
    simplified,
    undecided,
    vanishes,
    zeros,
)
from qlib.numbers.hypothesis_tests import Bet, acceptance_region, accumulate, best_bet
from qlib.numbers.linear_programs import (
    Certificate,
    CertificateError,
    Constraint,
    DualPolyhedron,
    FarkasCertificate,
    Infeasible,
    LinearProgram,
    Solution,
    Unbounded,
    certificate,
    combine,
    dual_vertices,
    farkas_certificate,
    is_feasible,
    solve,
)
from qlib.numbers.polyhedra import extreme_rays, independent_rows
from qlib.numbers.semidefinite_programs import (
    SemidefiniteSolution,
    matrix_of_triangle,
    solve_semidefinite,
    triangle,
)
from qlib.numbers.tensor_networks import Network, Tensor, contract, operator_tensor

__all__ = [
    "Bet",
    "Certificate",
    "CertificateError",
    "Constraint",
    "DualPolyhedron",
    "FarkasCertificate",
    "Infeasible",
    "LinearProgram",
    "Network",
    "NotEnclosed",
    "SemidefiniteSolution",
    "Solution",
    "Tensor",
    "Unbounded",
    "Undecided",
    "absolute",
    "acceptance_region",
    "accumulate",
    "agree",
    "all_of",
    "as_complex",
    "as_float",
    "as_it_stands",
    "best_bet",
    "certificate",
    "coincide",
    "combine",
    "common",
    "conditional_probability",
    "conjugate",
    "contract",
    "differs",
    "distinct",
    "dual_vertices",
    "enclosure",
    "exact",
    "exact_sign",
    "expanded",
    "extreme_rays",
    "farkas_certificate",
    "field_matrix",
    "free_array",
    "has_free_symbols",
    "independent_rows",
    "is_exact",
    "is_feasible",
    "is_finite",
    "is_of_square_roots",
    "is_positive_semidefinite",
    "is_real",
    "is_zero",
    "is_zero_expression",
    "matrix_of_triangle",
    "maximum",
    "minimum",
    "negligible",
    "number",
    "numbers",
    "one_of",
    "operator_tensor",
    "probabilities",
    "quotient",
    "rational",
    "real_number",
    "reals",
    "recognised",
    "require",
    "require_alike",
    "require_broadcast",
    "require_shape",
    "rounded",
    "separation",
    "several",
    "show",
    "sign",
    "simplest_form",
    "simplified",
    "solve",
    "solve_semidefinite",
    "table",
    "triangle",
    "undecided",
    "vanishes",
    "whole",
    "wholes",
    "with_roots",
    "zeros",
]
