"""Graphs from elsewhere, and symbolic bounds on effects in those for which the problem is linear."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import product

import networkx as nx
import numpy as np
import pytest
import sympy as sp
from scipy.optimize import linprog

from qlib.graphs import NodeKind, adjustment_set, graph_of_bif, graph_of_dagitty, graph_of_networkx, identified_effect
from qlib.models import ace_bounds, effect_bounds, instrumental_table, linear_problem
from qlib.numbers import Infeasible

CONFOUNDED = graph_of_dagitty("dag { X -> Y ; X <-> Y }")
INSTRUMENT = graph_of_dagitty("dag { Z -> X -> Y ; X <-> Y }")
MEDIATOR = graph_of_dagitty("dag { X -> Z -> Y ; X -> Y ; Z <-> Y }")
MEDIATION = graph_of_dagitty("dag { X -> M -> Y ; X -> Y ; M <-> Y }")


def same(expression: sp.Expr, text: str, given: str = "") -> bool:
    """Whether two affine functions agree for normalised laws; `text` in causaloptim's notation, p_{values}_{given}."""
    names = {f"p{r}_{l}": sp.Symbol(f"p({r}|{l})" if l else f"p({r})") for r in R for l in (given or [""])}
    other = sp.sympify(text, locals=names)
    difference = expression - other
    for l in given or [""]:
        last = names[f"p{R[-1]}_{l}"]
        difference = difference.subs(last, 1 - sum(names[f"p{r}_{l}"] for r in R[:-1]))
    return sp.expand(difference) == 0


R = ["00", "01", "10", "11"]


def test_confounding_alone_as_causaloptim_prints_it():
    """causaloptim, tests/testthat/test-known-bounds.R: "simple confounded"."""
    problem = linear_problem(CONFOUNDED, {"Y": 1}, {"X": 1}, {"X": 0})
    (lower,), (upper,) = problem.expressions("lower"), problem.expressions("upper")
    assert same(lower, "-p10_ - p01_")
    assert same(upper, "1 - p10_ - p01_")


def test_a_treatment_of_three_values_as_causaloptim_prints_it():
    problem = linear_problem(CONFOUNDED, {"Y": 1}, {"X": 2}, {"X": 0}, values={"X": 3})
    p = {r: sp.Symbol(f"p({r})") for r in ("00", "01", "10", "11", "20", "21")}
    (lower,), (upper,) = problem.expressions("lower"), problem.expressions("upper")
    total = 1 - sum(p[r] for r in list(p)[:-1])
    assert sp.expand((lower + p["10"] + p["20"] + p["01"] + p["11"]).subs(p["21"], total)) == 0
    assert sp.expand((upper - 1 + p["20"] + p["01"]).subs(p["21"], total)) == 0


def test_the_controlled_direct_effect_as_causaloptim_prints_it():
    """The same file, "Mediator", which compares with doi 10.1111/j.1541-0420.2007.00949.x."""
    problem = linear_problem(MEDIATOR, {"Y": 1}, {"X": 1, "Z": 0}, {"X": 0, "Z": 0})
    (lower,), (upper,) = problem.expressions("lower"), problem.expressions("upper")
    assert same(lower, "-1 + p00_0 + p01_1", "01")
    assert same(upper, "1 - p00_1 - p01_0", "01")


def test_an_effect_that_is_identified_has_equal_bounds():
    problem = linear_problem(MEDIATOR, {"Y": 1}, {"X": 1})
    for bound in ("lower", "upper"):
        (only,) = problem.expressions(bound)
        assert same(only, "1 - p00_1 - p10_1", "01")


@pytest.mark.parametrize("seed", range(4))
def test_the_instruments_bounds_by_three_routes(seed):
    """Response functions of the graph, the program of the table, and Balke and Pearl's closed form."""
    rng = np.random.default_rng(seed)
    types, p = rng.dirichlet(np.full(16, 0.2)).reshape(2, 2, 2, 2), np.zeros((2, 2, 2))
    for (x0, x1, y0, y1), w in np.ndenumerate(types):
        for z, x in enumerate((x0, x1)):
            p[x, (y0, y1)[x], z] += w
    problem = linear_problem(INSTRUMENT, {"Y": 1}, {"X": 1}, {"X": 0})
    lower, upper = problem.bounds(p.transpose(2, 0, 1))
    closed, table = ace_bounds(p), effect_bounds(instrumental_table(p))
    assert (float(lower.value), float(upper.value)) == pytest.approx((closed.lower, closed.upper), abs=1e-9)
    assert (float(table.lower), float(table.upper)) == pytest.approx((closed.lower, closed.upper), abs=1e-9)
    law = {problem.symbols[(z,), (x, y)]: p[x, y, z] for x, y, z in np.ndindex(2, 2, 2)}
    assert max(float(f.subs(law)) for f in problem.expressions("lower")) == pytest.approx(closed.lower, abs=1e-9)


def bounds_by_response_functions(p, asked):
    """Both bounds on the mean of `asked`(m, y), for functions m[x] of the mediator and y[x][m], from p[x, m, y]."""
    types = [(m, y) for m in product((0, 1), repeat=2) for y in product(product((0, 1), repeat=2), repeat=2)]
    A = [[m[x] == b and y[x][b] == c for m, y in types] for x, b, c in np.ndindex(2, 2, 2)]
    cost = np.array([asked(m, y) for m, y in types], dtype=float)
    return [sign * linprog(sign * cost, A_eq=np.array(A, float), b_eq=p.ravel()).fun for sign in (1, -1)]


NATURAL = {
    "direct, at the mediator of X=0": (({"X": 1, "M": {"X": 0}}, {"X": 0}), lambda m, y: y[1][m[0]] - y[0][m[0]]),
    "direct, at the mediator of X=1": (({"X": 1}, {"X": 0, "M": {"X": 1}}), lambda m, y: y[1][m[1]] - y[0][m[1]]),
    "indirect": (({"X": 0, "M": {"X": 1}}, {"X": 0}), lambda m, y: y[0][m[1]] - y[0][m[0]]),
    "a mediator under its own cause": (({"X": 1, "M": {"X": 1}}, None), lambda m, y: y[1][m[1]]),
}


@pytest.mark.parametrize("effect", NATURAL)
@pytest.mark.parametrize("seed", range(3))
def test_natural_effects_are_bounded_as_by_the_response_functions(effect, seed):
    (do, against), asked = NATURAL[effect]
    p = np.random.default_rng(seed).dirichlet(np.full(4, 0.3), size=2).reshape(2, 2, 2)
    found = [float(proof.value) for proof in linear_problem(MEDIATION, {"Y": 1}, do, against).bounds(p)]
    assert found == pytest.approx(bounds_by_response_functions(p, asked), abs=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_the_natural_direct_effect_as_causaloptim_finds_it(seed):
    """The same file, "natural direct effect": the functions that stand there in a comment."""
    p = np.random.default_rng(seed).dirichlet(np.full(4, 0.3), size=2).reshape(2, 2, 2)
    p00_0, p01_0, p10_0, _, p00_1, p01_1, p10_1, _ = p.ravel()
    lower = (-p00_1 + p10_0 - p10_1 - p01_0 - p01_1, -2 + 2 * p00_0 + p10_0 + p01_0 + p01_1, -1 + p00_0 + p10_0)
    upper = (2 * p00_0 + p10_0 - p10_1 + p01_0, p00_0 + p10_0, 1 - p00_1 + p10_0 - p01_0)
    problem = linear_problem(MEDIATION, {"Y": 1}, {"X": 1, "M": {"X": 0}}, {"X": 0})
    found = [float(proof.value) for proof in problem.bounds(p)]
    assert found == pytest.approx([max(lower), min(upper)], abs=1e-9)


def test_of_what_is_nested_every_world_is_checked():
    with pytest.raises(ValueError, match=r"^do: M: 'W' should be one of"):
        linear_problem(MEDIATION, {"Y": 1}, {"X": 1, "M": {"W": 0}})
    with pytest.raises(ValueError, match=r"^do: M: X: 2 should lie"):
        linear_problem(MEDIATION, {"Y": 1}, {"X": 1, "M": {"X": 2}})
    with pytest.raises(ValueError, match=r"^do: M: the effect depends on the law of \['X'\]"):
        linear_problem(MEDIATION, {"Y": 1}, {"X": 1, "M": {}})
    with pytest.raises(ValueError, match=r"^against: the effect depends on the law of \['X'\]"):
        linear_problem(MEDIATION, {"Y": 1}, {"X": 1, "M": 0}, {"M": 0})


def test_a_law_that_no_model_has_is_contradicted_with_a_proof():
    law = np.zeros((2, 2, 2), dtype=int)
    law[0, 0, 0] = law[1, 0, 1] = 1
    with pytest.raises(Infeasible, match="observation"):
        linear_problem(INSTRUMENT, {"Y": 1}, {"X": 1}).bounds(law)


@pytest.mark.parametrize(
    ("text", "do", "said"),
    [
        ("dag { X -> M -> Y ; X <-> Y }", {"X": 1}, r"graph: the arrows \[\('X', 'M'\)\]"),
        ("dag { X -> Y ; X <-> M ; M <-> Y ; M -> Y }", {"X": 1}, "graph: the latent variables .* overlap"),
        ("dag { X -> Y }", {"X": 1}, r"graph: no shared latent variable acts on \['Y'\]"),
        ("dag { Z -> X -> Y ; X <-> Y ; Z -> Y }", {"X": 1}, r"do: the effect depends on the law of \['Z'\]"),
        ("dag { X -> Y ; X <-> Y }", {"W": 1}, "do: 'W' should be one of"),
        ("dag { X -> Y ; X <-> Y }", {"X": 2}, "do: X: 2 should lie between 0 and 1"),
    ],
)
def test_what_is_not_linear_is_refused_naming_why(text, do, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        linear_problem(graph_of_dagitty(text), {"Y": 1}, do)


# --- graphs from elsewhere -------------------------------------------------------------------------------------------


def test_a_graph_is_the_same_from_dagitty_and_networkx():
    graph = nx.DiGraph([("Z", "X"), ("X", "Y"), ("U_X_Y", "X"), ("U_X_Y", "Y")])
    assert graph_of_networkx(graph, latent=["U_X_Y"]) == INSTRUMENT
    text = 'dag { bb="0,0,1,1" Z [exposure,pos="0,1"] U [latent] \n Z -> X -> "Y" U -> {X} }'
    with pytest.raises(ValueError, match=r"^text: '\{' is not understood"):
        graph_of_dagitty(text)
    read = graph_of_dagitty(text.replace("{X}", "X"))
    assert read.of_kind(NodeKind.LATENT) == ("U",)
    assert ("X", "Y") in read.edges


@pytest.mark.parametrize("text", ["graph { A }", "dag { -> A }", "dag { A -> }", "dag { A -> -> B }"])
def test_text_that_is_no_graph_is_refused(text):
    with pytest.raises(ValueError, match=r"^text: "):
        graph_of_dagitty(text)


def test_a_network_in_bif_has_its_arrows_and_values():
    text = """
    network unknown { }
    variable asia { type discrete [ 2 ] { yes, no }; }
    variable tub { type discrete [ 2 ] { yes, no }; }  // a comment
    probability ( asia ) { table 0.01, 0.99; }
    probability ( tub | asia ) { (yes) 0.05, 0.95; (no) 0.01, 0.99; }
    """
    graph, values = graph_of_bif(text)
    assert graph.edges == {("asia", "tub")}
    assert values == {"asia": ("yes", "no"), "tub": ("yes", "no")}
    with pytest.raises(ValueError, match=r"^text: it declares no discrete variable"):
        graph_of_bif("network x { }")


def test_an_adjustment_set_closes_the_back_doors_and_there_may_be_none():
    graph = graph_of_dagitty("dag { X -> M -> Y ; X <- A -> Y }")
    assert adjustment_set(graph, "X", "Y") == {"A"}
    assert adjustment_set(CONFOUNDED, "X", "Y") is None


def test_the_effect_through_a_front_door_is_identified_and_that_of_a_confounded_treatment_is_not():
    pytest.importorskip("y0")
    front_door = graph_of_dagitty("dag { X -> M -> Y ; X <-> Y }")
    assert identified_effect(front_door, ["X"], ["Y"]) == (r"\sum\limits_{M} P(M | X) \sum\limits_{X} P(X) P(Y | M, X)")
    assert identified_effect(CONFOUNDED, ["X"], ["Y"]) is None
    assert identified_effect(INSTRUMENT, ["Z"], ["Y"]) is not None


def test_an_effect_is_asked_of_observed_nodes_each_in_one_part():
    graph = graph_of_dagitty("dag { X -> Y ; C -> Y }")
    with pytest.raises(ValueError, match="treatments"):
        identified_effect(graph, ["W"], ["Y"])
    with pytest.raises(ValueError, match="given: X should be treatment, outcome or condition, only one of them"):
        identified_effect(graph, ["X"], ["Y"], given=["X"])
    with pytest.raises(ValueError, match="each should name a node"):
        identified_effect(graph, [], ["Y"])


def test_without_y0_the_effect_is_not_identified_but_the_package_named():
    if find_spec("y0"):
        pytest.skip("y0 is installed")
    with pytest.raises(ModuleNotFoundError, match="pip install y0"):
        identified_effect(graph_of_dagitty("dag { X -> Y }"), ["X"], ["Y"])
