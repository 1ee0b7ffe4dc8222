"""Evidence from counts: published values, its validity against devices that remember, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from compendium import paths
from qlib.correlations import (
    Game,
    bell_counts,
    bell_evidence,
    bell_scenario,
    disturbance_p_value,
    eberhard,
    i3322,
    tally,
)

F = np.array([[0, 0, 0], [0, 1, 1], [0, 1, -1]])
CHSH = Game.from_correlators(F, "CHSH")
WON = np.array([[[[1, 0], [0, 1]]] * 2, [[[1, 0], [0, 1]], [[0, 1], [1, 0]]]], dtype=bool)


def published(name: str) -> np.ndarray:
    rows = np.loadtxt(paths.DATA / "published" / f"{name}.csv", delimiter=",", skiprows=1, dtype=int)
    return tally(rows[:, :4], (2, 2), (2, 2), counts=rows[:, 4])


def counted(chosen: np.ndarray, won: np.ndarray) -> np.ndarray:
    """Counts with so many trials and wins of each pair of settings."""
    n = np.zeros((2, 2, 2, 2), dtype=int)
    for k, (x, y) in enumerate(np.ndindex(2, 2)):
        n[x, y, 0, x * y], n[x, y, 0, 1 - x * y] = won[k], chosen[k] - won[k]
    return n


def experiments(rounds: int, runs: int, generator: np.random.Generator):
    """Trials and wins of devices that lose at the settings chosen most often so far, after each trial."""
    chosen, won, each = np.zeros((runs, 4), dtype=int), np.zeros((runs, 4), dtype=int), np.arange(runs)
    for _ in range(rounds):
        lost, pair = chosen.argmax(axis=1), generator.integers(4, size=runs)
        chosen[each, pair] += 1
        won[each, pair] += pair != lost
        yield chosen, won


def test_the_counts_of_delft_give_the_published_values():
    n = published("bell-delft-2015")
    found = bell_evidence(CHSH, n, bias=1.08e-5)
    assert (n.sum(), n[WON].sum()) == (245, 196)
    assert (found.trials, f"{found.value:.2f}", f"{found.p_value:.3f}") == (245, "2.42", "0.039")
    assert found.signalling == disturbance_p_value(bell_scenario(2, 2), n.reshape(4, 2, 2))


def test_the_counts_of_vienna_are_those_that_the_paper_prints():
    n = published("bell-vienna-2015")
    assert n.sum() == 3_502_784_150
    assert n.sum(axis=(2, 3)).ravel().tolist() == [875_683_790, 875_518_074, 875_882_007, 875_700_279]
    assert (n[0, 0, 0, 0], n[0, 1, 0, 1], n[1, 0, 1, 0], n[1, 1, 0, 0]) == (141_439, 67_941, 58_742, 8_392)
    found = bell_evidence(eberhard(), n)
    assert f"{found.value:.2e}" == "7.27e-06"
    assert found.choices < 1e-10  # the settings were not drawn evenly
    assert bell_evidence(eberhard(), n, bias=1e-6).log_e < 0


@pytest.mark.parametrize("predicted", [False, True])
def test_under_every_deterministic_strategy_the_expected_factor_of_a_bet_is_at_most_one(predicted):
    """One trial, all its outcomes: the e-value of each, weighted by its probability."""
    plan = 0.25 * np.ones((2, 2, 2, 2)) * (1 + 0.7 * (2 * WON - 1)) if predicted else None
    for a0, a1, b0, b1 in np.ndindex(2, 2, 2, 2):
        expected = 0.0
        for x, y in np.ndindex(2, 2):
            n = np.zeros((2, 2, 2, 2), dtype=np.int64)
            n[x, y, (a0, a1)[x], (b0, b1)[y]] = 1
            expected += 0.25 * np.exp(of_one_trial(n, plan))
        assert expected <= 1 + 1e-9


def of_one_trial(n: np.ndarray, plan: np.ndarray | None) -> float:
    """The logarithm of the e-value of a single trial, for which `bell_evidence` has too few settings."""
    scores = 4 * CHSH.coefficients.astype(float)
    return bell_counts._log_evidence(n, scores - 2, 6.0, np.full((2, 2), 0.25), CHSH, plan)


def test_devices_that_remember_do_not_deceive_it_and_do_deceive_a_normal_test():
    runs, rounds = 2000, 200
    seen, bets = np.zeros(runs), 0.5 ** np.arange(1, 25)
    for chosen, won in experiments(rounds, runs, np.random.default_rng(11)):
        t = chosen[0].sum()
        k = won.sum(axis=1)
        log_each = k * np.log1p(bets / 3)[:, None] + (t - k) * np.log1p(-bets)[:, None]
        seen = np.maximum(seen, np.exp(log_each).mean(axis=0))
    found = [bell_evidence(CHSH, counted(c, w)) for c, w in zip(chosen[:20], won[:20], strict=True)]
    assert np.allclose([one.e_value for one in found], np.exp(log_each).mean(axis=0)[:20])
    assert (seen >= 20).mean() <= 0.05  # Ville: at any time
    E = 2 * won / chosen - 1
    error = np.sqrt(((1 - E**2) / chosen).sum(axis=1))
    assert (E.sum(axis=1) - 2 > 1.645 * error).mean() > 0.15  # three times its level
    p_values = np.array([bell_evidence(CHSH, counted(c, w)).p_value for c, w in zip(chosen, won, strict=True)])
    assert (p_values <= 0.05).mean() <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / runs)


@pytest.mark.parametrize("S", [2.0, 2.5, 2.8])
def test_the_confidence_bound_holds_at_the_end_of_all_but_few_experiments(S):
    generator, win = np.random.default_rng(int(10 * S)), 0.5 + S / 8
    held = []
    for _ in range(300):
        chosen = generator.multinomial(400, [0.25] * 4)
        found = bell_evidence(CHSH, counted(chosen, generator.binomial(chosen, win)), confidence=0.9)
        held.append(found.lower <= S)
    assert np.mean(held) >= 0.9
    assert found.lower > S - 1


def test_evidence_grows_with_the_data_and_a_good_prediction_helps():
    chosen = np.full(4, 1000)
    n = counted(chosen, np.full(4, 830))
    plan = 0.25 * (1 + 0.66 * (2 * WON - 1))
    assert bell_evidence(CHSH, n).log_e > 20
    assert bell_evidence(CHSH, n, predicted=plan).log_e > bell_evidence(CHSH, n).log_e
    assert bell_evidence(CHSH, n, bias=0.01).log_e < bell_evidence(CHSH, n).log_e


def test_signalling_counts_are_told():
    n = np.full((2, 2, 2, 2), 100)
    n[0, 0, 0], n[0, 0, 1] = 180, 20
    assert bell_evidence(CHSH, n).signalling < 1e-6


def test_marginals_and_several_settings_are_counted_as_they_should():
    n = np.full((3, 3, 2, 2), 50)
    assert abs(bell_evidence(i3322(), n).value - i3322().value(np.full((3, 3, 2, 2), 0.25))) < 1e-12


def good() -> np.ndarray:
    return np.full((2, 2, 2, 2), 10)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bell_evidence(CHSH, good() - 0.5), "counts"),
        (lambda: bell_evidence(CHSH, good() - 11), "counts"),
        (lambda: bell_evidence(CHSH, good()[:1]), "counts"),
        (lambda: bell_evidence(CHSH, good() * np.array([0, 1])[:, None, None, None]), r"settings \(0, 0\)"),
        (lambda: bell_evidence(CHSH, good(), questions=[[1, 0], [0, 0]]), "counts|questions"),
        (lambda: bell_evidence(CHSH, good(), questions=[[0.5, 0.5], [0.5, 0.5]]), "questions"),
        (lambda: bell_evidence(CHSH, good(), predicted=np.ones((2, 2, 2, 2))), "predicted"),
        (lambda: bell_evidence(CHSH, good(), bias=-1), "bias"),
        (lambda: bell_evidence(CHSH, good(), bias=0.5), "nothing can be learnt"),
        (lambda: bell_evidence(CHSH, good(), confidence=1), "confidence"),
        (lambda: tally([[0, 2, 0, 0]], (2, 2), (2, 2)), "row 0"),
        (lambda: tally([[0, 1, 0, 0]], (2, 2), (2, 2), counts=[-1]), "row 0"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(call, said):
    with pytest.raises(ValueError, match=said):
        call()
