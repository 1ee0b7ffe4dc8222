"""Classical models of Bell violations: strategies, the cost in messages and in dependence on settings, information."""

from itertools import product

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from qlib.correlations.behaviours import chsh_of_behaviour
from qlib.correlations.classical_cost import (
    SETTINGS,
    Dependence,
    DeterministicStrategy,
    Line,
    Message,
    communication_program,
    dependence_program,
    failures,
    isotropic,
    local_strategies,
    optimal_line,
    rate_distortion,
    strategies,
)
from qlib.numbers.linear_programs import Infeasible, certificate, solve

BITS = (0, 1)
MESSAGES: tuple[Message, ...] = ("setting", "outcome", "setting of either")
S = sp.Symbol("S")
TSIRELSON = 2 * sp.sqrt(2)


def behaviour(strategy: DeterministicStrategy) -> np.ndarray:
    """P[x, y, a, b] of a deterministic strategy."""
    P = np.zeros((2, 2, 2, 2))
    for x, y in SETTINGS:
        P[x, y, strategy.a[x][y], strategy.b[x][y]] = 1
    return P


def no_signalling_vertices() -> list[np.ndarray]:
    """The sixteen local and the eight other vertices of the no-signalling polytope (Barrett et al. 2005)."""
    boxes = []
    for p, q, r in product(BITS, repeat=3):
        P = np.zeros((2, 2, 2, 2))
        for x, y, a in product(BITS, repeat=3):
            P[x, y, a, a ^ (x & y) ^ (p & x) ^ (q & y) ^ r] = 0.5
        boxes.append(P)
    return [behaviour(s) for s in local_strategies()] + boxes


def largest_chsh(P: np.ndarray) -> float:
    """Over the eight forms of the inequality."""
    E = np.einsum("xyab,a,b->xy", P, [1, -1], [1, -1])
    return max(abs(E.sum() - 2 * E[x, y]) for x, y in SETTINGS)


mixtures = st.integers(0, 2**32 - 1).map(
    lambda seed: np.tensordot(np.random.default_rng(seed).dirichlet(np.full(24, 0.3)), no_signalling_vertices(), 1)
)

# ── behaviours and strategies ───────────────────────────────────────────────────────────────────────────────────────


def test_the_isotropic_behaviour_has_its_chsh_value_and_does_not_signal() -> None:
    P = isotropic(S)
    assert chsh_of_behaviour(P) == S
    assert np.all(np.vectorize(sp.expand)(P.sum(axis=3)) == sp.Rational(1, 2))
    assert np.all(np.vectorize(sp.expand)(P.sum(axis=2)) == sp.Rational(1, 2))
    np.testing.assert_allclose(isotropic(2.5), isotropic(sp.Rational(5, 2)).astype(float))
    assert chsh_of_behaviour(isotropic(2.5)) == pytest.approx(2.5)


@pytest.mark.parametrize("chsh", [4.5, -5, sp.sqrt(17)])
def test_no_behaviour_has_a_chsh_value_beyond_four(chsh: object) -> None:
    with pytest.raises(ValueError, match="should lie between -4 and 4"):
        isotropic(chsh)


def test_local_strategies_reach_two_and_those_with_a_message_reach_four() -> None:
    assert len(set(local_strategies())) == 16
    assert {chsh_of_behaviour(behaviour(s)) for s in local_strategies()} == {-2.0, 2.0}
    for message in MESSAGES:
        pool = strategies(message)
        assert len(set(pool)) == len(pool)
        assert {s for s in pool if s.is_local} == set(local_strategies())
        assert max(chsh_of_behaviour(behaviour(s)) for s in pool) == 4


def test_an_outcome_carries_the_setting_only_if_it_depends_on_it() -> None:
    for s in strategies("outcome"):
        assert s.is_local or s.a[0] != s.a[1]


def test_strings_name_strategies() -> None:
    for message in MESSAGES:
        assert len({str(s) for s in strategies(message)}) == len(strategies(message))
    with pytest.raises(ValueError, match="message='pigeon'"):
        strategies("pigeon")  # type: ignore[arg-type]


# ── communication ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("message", MESSAGES)
def test_tsirelsons_correlations_need_a_message_in_root_two_minus_one_of_the_rounds(message: Message) -> None:
    """Pironio, Phys. Rev. A 68, 062102 (2003)."""
    program = communication_program(isotropic(TSIRELSON), message)
    proof = certificate(program)
    proof.verify(program)
    assert proof.is_optimal
    assert sp.simplify(proof.value - (sp.sqrt(2) - 1)) == 0


@given(mixtures, st.sampled_from(MESSAGES))
def test_the_fraction_of_rounds_with_a_message_is_half_the_excess_for_every_behaviour_without_signalling(
    P: np.ndarray, message: Message
) -> None:
    assert solve(communication_program(P, message)).value == pytest.approx(max(0, largest_chsh(P) / 2 - 1), abs=1e-8)


def test_bob_cannot_signal_to_alice_if_only_she_sends() -> None:
    bob_sends = next(s for s in strategies("setting of either") if s.a[0][0] != s.a[0][1])
    assert solve(communication_program(behaviour(bob_sends), "setting of either")).value == 1
    with pytest.raises(Infeasible):
        solve(communication_program(behaviour(bob_sends), "setting"))


# ── dependence on the settings ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("on", "least"), [("both settings", 2 * (sp.sqrt(2) - 1) / 3), ("Alice's setting", 2 * sp.sqrt(2) - 2)]
)
def test_tsirelsons_correlations_need_halls_dependence(on: Dependence, least: sp.Expr) -> None:
    """2(√2 − 1)/3 is the value of Hall, Phys. Rev. Lett. 105, 250404 (2010)."""
    program = dependence_program(isotropic(TSIRELSON), on)
    proof = certificate(program)
    proof.verify(program)
    assert proof.is_optimal
    assert sp.simplify(proof.value - least) == 0


@given(mixtures)
def test_isotropic_behaviours_need_most_dependence_of_their_chsh_value(P: np.ndarray) -> None:
    """Twirling can only lower it; so it is at least the isotropic one's for every behaviour."""
    excess = max(0, largest_chsh(P) - 2)
    assert solve(dependence_program(P)).value >= excess / 3 - 1e-8
    assert solve(dependence_program(P, "Alice's setting")).value >= excess - 1e-8


def test_the_solution_is_a_model_with_that_dependence() -> None:
    """Recomputed from the conditional laws of the hidden variable, not from the program's own rows."""
    P = isotropic(TSIRELSON)
    proof = certificate(dependence_program(P))
    assert proof.primal is not None
    laws = {(x, y): [proof.primal.get(f"{s} | {x}{y}", sp.Integer(0)) for s in local_strategies()] for x, y in SETTINGS}
    for (x, y), law in laws.items():
        for a, b in product(BITS, repeat=2):
            total = sum(q for s, q in zip(local_strategies(), law, strict=True) if (s.a[x][y], s.b[x][y]) == (a, b))
            assert sp.simplify(total - P[x, y, a, b]) == 0
    distances = [sum(abs(p - q) for p, q in zip(laws[s], laws[t], strict=True)) for s, t in product(SETTINGS, repeat=2)]
    assert max(map(float, distances)) == pytest.approx(float(proof.value), abs=1e-12)


def test_a_behaviour_has_four_axes_and_a_dependence_a_name() -> None:
    with pytest.raises(ValueError, match=r"behaviour: shape \(4, 4\)"):
        communication_program(np.eye(4))
    with pytest.raises(ValueError, match="on='nothing'"):
        dependence_program(isotropic(2), "nothing")  # type: ignore[arg-type]


# ── optima as functions ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("message", "on"), [("setting", "both settings"), ("outcome", "Alice's setting")])
def test_costs_are_linear_in_the_violation(message: Message, on: Dependence) -> None:
    assert optimal_line(lambda t: communication_program(isotropic(t), message), S, 2, 4).formula == S / 2 - 1
    expected = {"both settings": (S - 2) / 3, "Alice's setting": S - 2}[on]
    line = optimal_line(lambda t: dependence_program(isotropic(t), on), S, 2, 4)
    assert sp.expand(line.formula - expected) == 0


def test_what_is_not_linear_is_not_called_so() -> None:
    with pytest.raises(ValueError, match="which is not on"):
        optimal_line(lambda t: communication_program(isotropic(t)), S, 0, 4)


def test_a_line_proves_nothing_about_another_program() -> None:
    line = optimal_line(lambda t: communication_program(isotropic(t)), S, 2, 4)
    wrong = Line(line.formula + 1, *(getattr(line, k) for k in ("symbol", "low", "high", "below", "ends")))
    with pytest.raises(ValueError, match="the multipliers prove S/2 - 1, not S/2"):
        wrong.verify(lambda t: communication_program(isotropic(t)))
    with pytest.raises(ValueError, match="is not linear"):
        line.verify(lambda t: communication_program(isotropic(t**2 / 4 if t == S else t)))


# ── information ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_local_strategy_misses_the_aim_at_one_setting_or_at_three() -> None:
    missed = sum(failures(x, y) for x, y in SETTINGS)
    assert sorted(missed.tolist()) == [1] * 8 + [3] * 8


@given(st.floats(0.02, 0.24))
def test_the_rate_of_a_uniform_source_is_a_relative_entropy(f: float) -> None:
    """min I = d(f ‖ 1/4): the chapter's two-line proof against Blahut's and Arimoto's algorithm."""
    d = np.array([failures(x, y) for x, y in SETTINGS])
    distortion, rate = rate_distortion(np.full(4, 0.25), d, float(np.log((1 - f) / (3 * f))))
    assert distortion == pytest.approx(f, abs=1e-6)
    closed = f * np.log2(4 * f) + (1 - f) * np.log2(4 * (1 - f) / 3)
    assert rate == pytest.approx(closed, abs=1e-6)


@pytest.mark.parametrize(
    ("source", "distortion", "slope", "message"),
    [
        ([0.5, 0.5], [0, 1], 1, "should be .letters,."),
        ([0.5, 0.6], [[0], [1]], 1, "probabilities that sum to one"),
        ([0.5, 0.5], [[0], [1]], 0, "slope=0: should be positive"),
    ],
)
def test_what_is_no_source_or_slope_is_refused(source: object, distortion: object, slope: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rate_distortion(source, distortion, slope)  # type: ignore[arg-type]
