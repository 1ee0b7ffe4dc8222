"""A statistician's table: what comes in, what is asked of it, and what others have published of the same tables."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest
import sympy as sp

from compendium import paths
from qlib.models import (
    Contradiction,
    InstrumentalTable,
    OutcomeTerm,
    Query,
    ace_bounds,
    causal_query,
    effect_bounds,
    effect_expressions,
    effect_program,
    instrumental_table,
    nearest_admissible,
)
from qlib.numbers import certificate

PUBLISHED = paths.ROOT / "data" / "published"
VITAMIN = ("offered", "taken", "survived")
GENES = ("genotype", "homocysteine", "disease")
QUERIES = ("P(Y | do X)", "contrast", "ACE", "risk ratio", "ETT", "PN", "PS", "PNS")


def columns(names: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("instrument", "treatment", "outcome"), names, strict=True))


def vitamin() -> InstrumentalTable:
    data = pd.read_csv(PUBLISHED / "vitamin-a.csv")
    return instrumental_table(data, **columns(VITAMIN), count="children")


def genes() -> InstrumentalTable:
    data = pd.read_csv(PUBLISHED / "homocysteine.csv")
    return instrumental_table(data, **columns(GENES), count="people")


def ends(*arguments, **named) -> tuple[float, float]:
    bounds = effect_bounds(*arguments, **named)
    return float(bounds.lower), float(bounds.upper)


def random_table(seed: int, shape: tuple[int, int, int] = (2, 2, 2), n: int = 400) -> InstrumentalTable:
    """Counts of a random classical model, with response types as rare as they come."""
    rng = np.random.default_rng(seed)
    X, Y, Z = shape
    types = list(product(*[range(X)] * Z, *[range(Y)] * X))
    weights = rng.dirichlet(np.full(len(types), 0.05))
    p = np.zeros(shape)
    for t, w in zip(types, weights, strict=True):
        for z in range(Z):
            p[t[z], t[Z + t[z]], z] += w
    return instrumental_table(p), p, dict(zip(types, weights, strict=True))


# --- what comes in ---------------------------------------------------------------------------------------------------


def test_individuals_cells_and_an_array_are_the_same_table():
    cells = pd.read_csv(PUBLISHED / "vitamin-a.csv")
    individuals = (
        cells.loc[cells.index.repeat(cells["children"])].drop(columns="children").sample(frac=1, random_state=1)
    )
    table = vitamin()
    assert (instrumental_table(individuals, **columns(VITAMIN)).counts == table.counts).all()
    assert (instrumental_table(table.counts).p == table.p).all()
    assert (
        instrumental_table(cells.to_dict("list"), **columns(VITAMIN), count="children").counts == table.counts
    ).all()
    assert table.n == 23_682
    assert table.values == (("no", "yes"),) * 3


def test_frequencies_are_exact_and_a_cell_may_be_empty():
    table = vitamin()
    assert table.p[1, 1, 1] == sp.Rational(9663, 12094)
    assert table.p[1, 1, 0] == 0
    assert table.instrument_law == (Fraction(11588, 23682), Fraction(12094, 23682))


def test_values_stand_in_the_order_of_the_categories_or_as_listed():
    dose = pd.Categorical(["low", "high", "high", "none"], categories=["none", "low", "high"])
    data = pd.DataFrame({"z": [0, 1, 0, 1], "x": dose, "y": [True, False, True, True]})
    names = {"instrument": "z", "treatment": "x", "outcome": "y"}
    assert instrumental_table(data, **names).values[1] == ("none", "low", "high")
    assert instrumental_table(data, **names, values={"z": [1, 0]}).values[0] == (1, 0)


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NA, pd.NaT])
def test_missing_rows_are_refused_with_their_number(missing):
    data = pd.DataFrame({"z": [0, 0, 1, 1], "x": [0, missing, 1, 0], "y": [missing, missing, 1, 0]}, dtype=object)
    with pytest.raises(ValueError, match=r"^data: 2 of 4 rows miss a value of 'x', 'y'"):
        instrumental_table(data, instrument="z", treatment="x", outcome="y")


@pytest.mark.parametrize(
    ("data", "named", "said"),
    [
        ([[[1, 0], [0, 0]], [[2, 0], [1, 0]]], {}, "data: nobody has Z=1"),
        ([[[0.5, 0.2], [0.5, 0.2]], [[0, 0.2], [0, 0.2]]], {}, r"data: the entries with Z=1 sum to 0\.8"),
        ([[[-1, 2], [3, 4]], [[1, 1], [1, 1]]], {}, r"data: entry \[x=0, y=0, z=0\] is -1"),
        (np.ones((2, 2)), {}, "data: shape"),
        ({"z": [0, 1], "x": [0, 1], "y": [0, 1]}, {"instrument": "z", "treatment": "x"}, "outcome: which column"),
        ({"z": [0, 1], "x": [0, 1], "y": [0, 1]}, columns(("z", "x", "w")), "outcome: .w. should be one"),
        ({"z": [0, 1], "x": [0, 1], "y": [0]}, columns(("z", "x", "y")), "data: the columns have different lengths"),
        ({"z": [0, 1], "x": [0, 1], "y": [0, 1], "n": [1.5, 2]}, {**columns(("z", "x", "y")), "count": "n"}, "count: "),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_by_name(data, named, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        instrumental_table(data, **named)


# --- published answers -----------------------------------------------------------------------------------------------


def test_vitamin_a_as_balke_and_pearl_and_the_package_bpbounds_print_it():
    """Balke & Pearl (1997), Tables 1 and 2; bpbounds, tests/testthat/test-bpbounds.R."""
    table = vitamin()
    named = {"treatment": "yes", "baseline": "no", "outcome": "yes"}
    assert ends(table, "ACE", **named) == pytest.approx((-0.1946, 0.0054), abs=6e-5)
    assert ends(table, "P(Y | do X)", **named) == pytest.approx((0.7990, 0.9990), abs=6e-5)
    assert ends(table, "P(Y | do X)", treatment="no") == pytest.approx((0.9936, 0.9936), abs=6e-5)
    assert ends(table, "risk ratio", **named) == pytest.approx((0.8042, 1.0054), abs=1e-4)
    assert ends(table, "ACE", ["monotonicity"]) == pytest.approx((-0.1946, 0.0054), abs=6e-5)


def test_homocysteine_as_the_package_bpbounds_prints_it():
    """Meleady et al. (2003), Table 3, a genotype of three values; bpbounds, tests/testthat/test-bpbounds.R."""
    table = genes()
    assert ends(table, "ACE") == pytest.approx((-0.3101, 0.4622), abs=6e-5)
    assert ends(table, "P(Y | do X)", treatment=0) == pytest.approx((0.4332, 0.5136), abs=6e-5)
    assert ends(table, "P(Y | do X)", treatment=1) == pytest.approx((0.2035, 0.8953), abs=6e-5)
    assert ends(table, "risk ratio") == pytest.approx((0.3962, 2.0670), abs=6e-5)
    assert float(ace_bounds(table).upper) == pytest.approx(0.4622, abs=6e-5)
    frequencies = instrumental_table(table.p)  # counts would be answered for the nearest table
    with pytest.raises(Contradiction, match="monotonicity"):
        effect_bounds(frequencies, "ACE", ["monotonicity"])


def test_an_instrument_of_three_values_may_be_refuted_where_pearls_inequality_holds():
    """Bonet (2001): a table that a no-signalling common cause gives, y = x ⊕ f(z, x) with f = 00, 01, 10."""
    p = np.zeros((2, 2, 3), dtype=object)
    for z, f in enumerate([(0, 0), (0, 1), (1, 0)]):
        for x in (0, 1):
            p[x, x ^ f[x], z] = sp.Rational(1, 2)
    assert p.max(axis=2).sum(axis=1).max() <= 1
    with pytest.raises(Contradiction, match="observation"):
        effect_bounds(p)
    assert effect_bounds(p, latent="no-signalling").lower == 0
    found = ace_bounds(instrumental_table(p))
    assert not found.feasible
    assert "observation" in found.violated


def test_a_table_that_bpbounds_calls_inconsistent_has_an_exact_model():
    """bpbounds, tests/testthat/test-bpbounds.R, "Issue 3, example 1": R's arrays run through x, then y, then z.

    The inequality that is quoted there is violated by a model, that of X = 1, 0, 1 for the three genotypes and Y = 1.
    """
    cells = [0.5279183, 0.02208171, 0.1220817, 0.3279183, 0.0849975, 0.3150025, 0.4650025, 0.1349975]
    cells += [0.1132796, 0.3867204, 0.1867204, 0.3132796]
    p = np.array(cells).reshape(3, 2, 2).transpose(2, 1, 0)
    bounds = effect_bounds(p / p.sum(axis=(0, 1)))
    bounds.lower_proof.verify(bounds.program)
    assert bounds.lower_proof.is_optimal


def test_cholestyramine_as_balke_and_pearl_print_it():
    """Balke & Pearl (1997), from data of the Lipid Research Clinics; the table gives the printed bounds exactly."""
    p = np.zeros((2, 2, 2))
    p[:, :, 0] = [[0.919, 0.081], [0, 0]]
    p[:, :, 1] = [[0.315, 0.073], [0.139, 0.473]]
    assert ends(p) == pytest.approx((0.392, 0.780), abs=1e-9)


def test_the_synthetic_trial_of_autobounds_as_it_prints_it():
    """autobounds, autobounds_demo/iv_demo.ipynb: 1000 people, "Scholar Just" and "Scholar Confident"."""
    counts = np.array([[[66, 31], [377, 176]], [[63, 198], [21, 68]]]).transpose(1, 2, 0)  # printed as [z, x, y]
    assert ends(counts) == pytest.approx((-0.549, -0.146), abs=5e-4)
    with pytest.raises(Contradiction, match="monotonicity"):
        effect_bounds(instrumental_table(instrumental_table(counts).p), "ACE", ["monotonicity"])


@pytest.mark.parametrize(("shape", "printed"), [((2, 2, 2), 0.5), ((2, 2, 3), 0.5), ((3, 2, 2), 0.667)])
def test_uniform_tables_of_autobounds_as_it_prints_them(shape, printed):
    """autobounds, autobounds_demo/iv_more_categories_demo.ipynb: the contrast of the treatments 1 and 0."""
    p = np.full(shape, sp.Rational(1, shape[0] * shape[1]), dtype=object)
    assert ends(p, "contrast", treatment=1) == pytest.approx((-printed, printed), abs=5e-4)


def test_the_bounds_in_symbols_as_causaloptim_prints_them():
    """causaloptim, tests/testthat/test-known-bounds.R, "instrumental variable", which writes p{xy}_{z}."""
    lower = """p00_0 - p00_1 - p10_1 - p01_1, p00_0 - p00_1 - p10_0 - p10_1 - p01_0,
               p00_0 - p00_1 + p10_0 - 2*p10_1 - 2*p01_1, -p10_1 - p01_1, -p10_0 - p01_0,
               -p00_0 + p00_1 - 2*p10_0 + p10_1 - 2*p01_0, -p00_0 + p00_1 - p10_0 - p10_1 - p01_1,
               -p00_0 + p00_1 - p10_0 - p01_0"""
    upper = """1 - p10_1 - p01_0, 1 + p00_0 + p10_0 - 2*p10_1 - p01_1, 2 - p00_1 - p10_0 - p10_1 - 2*p01_0,
               1 - p10_1 - p01_1, 1 - p10_0 - p01_0, 1 + p00_1 - 2*p10_0 + p10_1 - p01_0,
               2 - p00_0 - p10_0 - p10_1 - 2*p01_1, 1 - p10_0 - p01_1"""
    named = {f"p{x}{y}_{z}": sp.Symbol(f"P(X={x}, Y={y}|Z={z})") for x, y, z in np.ndindex(2, 2, 2)}
    found = effect_expressions(np.full((2, 2, 2), 0.25))
    for printed, mine in zip((lower, upper), found, strict=True):
        assert {sp.expand(f) for f in sp.sympify(f"[{printed}]", locals=named)} <= set(mine)


def test_a_monotone_instrument_as_causaloptim_prints_it():
    """The same file, "with monotonicity": one function a side, wherever the data do not refute it."""
    table = instrumental_table([[[30, 10], [40, 20]], [[10, 20], [20, 50]]])
    p = table.p
    bounds = effect_bounds(table, "ACE", ["monotonicity"])
    assert bounds.lower == p[0, 0, 0] - p[0, 0, 1] - p[1, 0, 1] - p[0, 1, 1]
    assert bounds.upper == 1 - p[1, 0, 1] - p[0, 1, 0]


# --- queries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
def test_the_program_and_the_closed_form_agree(seed):
    _, p, _ = random_table(seed)
    closed = ace_bounds(p)
    assert ends(p) == pytest.approx((closed.lower, closed.upper), abs=1e-9)


@pytest.mark.parametrize(
    ("seed", "shape"), [(1, (2, 2, 2)), (2, (2, 2, 3)), (3, (3, 2, 2)), (4, (2, 3, 3)), (5, (3, 3, 2))]
)
@pytest.mark.parametrize("query", QUERIES)
def test_every_query_of_a_model_lies_within_its_bounds(seed, shape, query):
    table, _, types = random_table(seed, shape)
    Z, law = shape[2], np.random.default_rng(seed).dirichlet(np.ones(shape[2]))
    asked = causal_query(table, query)

    def value(terms):
        return sum(
            float(term.weight) * w * law[z]
            for t, w in types.items() for z in range(Z) for term in terms
            if term.treatment in (None, t[z]) and all(t[Z + k] == y for k, y in term.outcomes)
        )  # fmt: skip

    low, high = ends(table, asked, instrument_law=law.tolist())
    truth = value(asked.numerator) / (value(asked.denominator) if asked.denominator else 1)
    assert low - 1e-9 <= truth <= high + 1e-9


@pytest.mark.parametrize("query", QUERIES)
def test_each_bound_is_proved_and_the_proof_verifies(query):
    bounds = effect_bounds(vitamin(), query)
    for proof in (bounds.lower_proof, bounds.upper_proof):
        proof.verify(bounds.program)
        assert proof.is_optimal


def test_necessity_and_sufficiency_of_a_randomised_treatment_are_tian_and_pearls():
    """Tian & Pearl (2000), from experimental data: everybody complies, Z = X."""
    p = np.zeros((2, 2, 2), dtype=object)
    treated, control = sp.Rational(7, 10), sp.Rational(2, 10)
    p[0, :, 0], p[1, :, 1] = [1 - control, control], [1 - treated, treated]
    both = effect_bounds(p, "PNS")
    assert (both.lower, both.upper) == (max(0, treated - control), min(treated, 1 - control))
    necessity = effect_bounds(p, "PN", instrument_law=[Fraction(1, 2)] * 2)
    assert (necessity.lower, necessity.upper) == ((treated - control) / treated, min(1, (1 - control) / treated))


def test_a_ratio_without_a_bound_is_infinite_and_one_without_a_meaning_is_refused():
    p = np.full((2, 2, 2), sp.Rational(1, 4), dtype=object)
    assert effect_bounds(p, "risk ratio").upper > 1
    p[0], p[1] = sp.Rational(1, 2), 0
    assert effect_bounds(p, "risk ratio", treatment=0, baseline=1).lower == sp.Rational(1, 2)
    assert effect_bounds(p, "risk ratio", treatment=0, baseline=1).upper == sp.oo
    p[0] = [[1, 1], [0, 0]]
    with pytest.raises(ValueError, match=r"^query: in .* the condition has probability zero"):
        effect_bounds(p, "risk ratio", treatment=1, baseline=0)


def test_a_query_of_ones_own():
    """Whether the treatment would harm someone: P(Y(1)=0, Y(0)=1)."""
    harm = Query("harm", (OutcomeTerm(Fraction(1), ((1, 0), (0, 1))),))
    benefit = effect_bounds(vitamin(), "PNS")
    effect = effect_bounds(vitamin(), "ACE")
    bounds = effect_bounds(vitamin(), harm)
    assert bounds.lower <= benefit.upper - effect.lower
    assert 0 <= bounds.lower <= bounds.upper <= 1


# --- assumptions and latents -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_single_world_exogeneity_and_stratified_exclusion_give_the_same_bounds(seed):
    """Against the program with its 128 unknowns, in which they are what is assumed."""
    from qlib.models import single_world_program

    _, p, _ = random_table(seed)
    exact = instrumental_table(p).fractions
    program = single_world_program(np.frompyfunc(lambda f: sp.Rational(f.numerator, f.denominator), 1, 1)(exact))
    bounds = effect_bounds(p, "ACE", ["single-world exogeneity", "stratified exclusion"])
    assert bounds.lower == certificate(program, "min").value
    assert bounds.upper == certificate(program, "max").value


@pytest.mark.parametrize(("seed", "shape"), [(1, (2, 2, 2)), (2, (2, 2, 3)), (3, (3, 2, 2)), (4, (3, 3, 2))])
def test_without_signals_the_bounds_are_the_natural_ones_and_those_of_marginal_exogeneity(seed, shape):
    """P(Y=y | do t) between max_z p(t,y|z) and one less the other outcomes' maxima: Robins (1989), Manski (1990)."""
    table, p, _ = random_table(seed, shape)
    seen = p.max(axis=2)
    for t, y in product(range(shape[0]), range(shape[1])):
        natural = seen[t, y], 1 - seen[t].sum() + seen[t, y]
        for named in ({"latent": "no-signalling"}, {"assumptions": ["marginal exogeneity"]}):
            assert ends(table, "P(Y | do X)", treatment=t, outcome=y, **named) == pytest.approx(natural, abs=1e-9)


def test_monotonicity_makes_the_natural_bounds_sharp():
    """Balke & Pearl (1997): p(1,y|1) ≥ p(1,y|0) and p(0,y|0) ≥ p(0,y|1) is all that it demands of the data."""
    table = instrumental_table([[[30, 10], [40, 20]], [[10, 20], [20, 50]]])
    assert ends(table, "ACE", ["monotonicity"]) == ends(table, latent="no-signalling")
    with pytest.raises(Contradiction):
        effect_bounds(instrumental_table(table.p[:, :, ::-1]), "ACE", ["monotonicity"])


def test_compliance_on_one_side_is_assumed_of_the_first_value():
    assert effect_bounds(vitamin(), "ACE", ["one-sided noncompliance"]).admissible is None
    assert effect_bounds(genes(), "ACE", ["one-sided noncompliance"]).recoded == 47 + 41


@pytest.mark.parametrize(
    ("query", "assumptions", "latent", "said"),
    [
        ("PN", ["single-world exogeneity"], "classical", "assumptions: 'single-world exogeneity' says nothing of two"),
        ("PNS", ["stratified exclusion"], "classical", "assumptions: 'stratified exclusion' says nothing of two"),
        ("PNS", [], "no-signalling", "query: .* asks about two worlds at once"),
        ("ACE", ["monotonicity"], "no-signalling", "assumptions: 'monotonicity' compares"),
        ("ACE", ["monotonicity", "marginal exogeneity"], "classical", "assumptions: 'monotonicity' is about"),
        ("ACE", ["exogeneity"], "classical", "assumptions: 'exogeneity' should be one of"),
        ("ACE", [], "quantum", "latent: 'quantum' should be .* qlib.correlations.latent_bounds"),
        ("effect", [], "classical", "query: 'effect' should be one of"),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(query, assumptions, latent, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        effect_bounds(vitamin(), query, assumptions, latent)


def test_who_took_the_treatment_depends_on_how_it_was_drawn():
    with pytest.raises(ValueError, match=r"^instrument_law: .* depends on how often each value of 'Z' is drawn"):
        effect_bounds(np.full((2, 2, 2), 0.25), "ETT")


# --- counts that no model fits ---------------------------------------------------------------------------------------


def test_counts_that_contradict_the_assumptions_are_answered_for_the_nearest_table_and_say_so():
    table = instrumental_table([[[9, 0], [0, 9]], [[1, 1], [0, 0]]])
    bounds = effect_bounds(table)
    assert bounds.recoded == 8
    assert "8.0 individuals would have to be" in str(bounds)
    assert not ace_bounds(table).feasible


@pytest.mark.parametrize("seed", range(3))
def test_the_nearest_table_has_a_model_and_is_as_far_as_is_said(seed):
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(30, [0.45, 0.05, 0.45, 0.05], size=2).T.reshape(2, 2, 2)
    counts[0, :, 1] = counts[0, ::-1, 0] + rng.integers(0, 3, 2)
    counts[0, :, :] = [[30, 2], [1, 25]]
    table = instrumental_table(counts)
    near, recoded = nearest_admissible(table)
    assert effect_bounds(near).admissible is None
    each = table.counts.sum(axis=(0, 1))
    moved = sum(abs(float(near.p[i] - table.p[i])) * each[i[2]] / 2 for i in np.ndindex(2, 2, 2))
    assert moved == pytest.approx(float(recoded))
    program, _ = effect_program(near, causal_query(near, "ACE"))
    assert certificate(program).is_optimal
