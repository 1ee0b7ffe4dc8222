"""Facets: double description against exhaustion, known facets, symmetry, completeness."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import flint
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from random_phenomena import CHSH, KCBS, UNEVEN, seeds
from scipy.spatial import ConvexHull

from qlib.correlations import hidden_variables as fa
from qlib.correlations.polytope import (
    automorphisms,
    coordinates,
    entry_rows,
    facet_classes,
    facets,
    nondisturbing_vertices,
    relabellings,
    vertex_classes,
    vertices,
)
from qlib.correlations.scenarios import (
    Scenario,
    bell_scenario,
    cycle_scenario,
    is_nondisturbing,
    peres_mermin_scenario,
)
from qlib.numbers.linear_programs import CertificateError
from qlib.numbers.polyhedra import extreme_rays

SMALL = [CHSH, cycle_scenario(3), KCBS, UNEVEN, bell_scenario(2, 3)]


def rays_by_exhaustion(W):
    """Every ray that d - 1 independent tight constraints fix, if it satisfies all."""
    d, found = W.shape[1], set()
    for subset in combinations(W.tolist(), d - 1):
        kernel, nullity = flint.fmpz_mat([list(row) for row in subset]).nullspace()
        if nullity == 1:
            ray = np.array([int(kernel[i, 0]) for i in range(d)])
            for sign in (1, -1):
                if (W @ ray * sign >= 0).all():
                    found.add(tuple(sign * ray // np.gcd.reduce(ray)))
    return found


@settings(max_examples=40, deadline=None)
@given(seed=seeds, d=st.integers(2, 4), extra=st.integers(0, 5))
def test_double_description_finds_the_rays_that_exhaustion_finds(seed, d, extra):
    W = np.concatenate([np.eye(d, dtype=int), np.random.default_rng(seed).integers(-3, 4, size=(extra, d))])
    assert set(map(tuple, extreme_rays(W))) == rays_by_exhaustion(W)


def test_a_cone_with_a_line_is_refused():
    with pytest.raises(ValueError, match="rank 1, below the 2 columns"):
        extreme_rays([[1, 1], [2, 2]])


@pytest.mark.parametrize("scenario", [*SMALL, peres_mermin_scenario()], ids=lambda s: s.name or "uneven")
def test_the_polytope_has_full_dimension_in_its_coordinates(scenario):
    V = vertices(scenario)
    assert V.shape == (len(scenario.assignments), len(coordinates(scenario)))
    assert np.linalg.matrix_rank(V - V[0]) == V.shape[1]


@pytest.mark.parametrize("scenario", SMALL, ids=lambda s: s.name or "uneven")
def test_the_entries_of_a_table_follow_from_the_coordinates(scenario):
    V = np.concatenate([np.ones((len(scenario.assignments), 1), dtype=int), vertices(scenario)], axis=1)
    assert np.array_equal(V @ entry_rows(scenario).T, scenario.deterministic[:, scenario.possible])


@pytest.mark.parametrize("scenario", SMALL, ids=lambda s: s.name or "uneven")
def test_the_facets_are_facets_and_all_of_them(scenario):
    facets(scenario).verify()
    facets(scenario).verify(by_symmetry=True)


@pytest.mark.parametrize("scenario", SMALL, ids=lambda s: s.name or "uneven")
def test_the_polytope_of_the_facets_has_the_assignments_as_its_vertices_and_no_others(scenario):
    """Dual description: a second proof that no facet is missing."""
    V = np.concatenate([np.ones((len(scenario.assignments), 1), dtype=int), vertices(scenario)], axis=1)
    assert set(map(tuple, extreme_rays(facets(scenario).rows))) == set(map(tuple, V))


def test_a_missing_facet_is_noticed_and_so_is_one_that_is_none():
    found = facets(CHSH)
    for k in range(24):
        fewer = replace(found, rows=np.delete(found.rows, k, 0), incidence=np.delete(found.incidence, k, 0))
        with pytest.raises(CertificateError, match="has a ridge that lies on 1 facets of the list, not on two"):
            fewer.verify()
        with pytest.raises(CertificateError, match="a symmetric one is missing"):
            fewer.verify(by_symmetry=True)
    with pytest.raises(CertificateError, match="a vertex violates a facet"):
        replace(found, rows=-found.rows).verify()
    rows = np.concatenate([found.rows, found.rows[:1] + found.rows[1:2]])
    V = np.concatenate([np.ones((16, 1), dtype=int), vertices(CHSH)], axis=1)
    with pytest.raises(CertificateError, match="facet 24: its vertices span"):
        replace(found, rows=rows, incidence=rows @ V.T == 0).verify()


def test_chsh_has_24_facets_by_exhaustion():
    """A second route: every set of eight vertices."""
    V = np.concatenate([np.ones((16, 1), dtype=int), vertices(CHSH)], axis=1)
    by_exhaustion = rays_by_exhaustion(V)
    assert by_exhaustion == set(map(tuple, facets(CHSH).rows))
    assert len(by_exhaustion) == 24


@pytest.mark.parametrize("scenario", [CHSH, KCBS], ids=lambda s: s.name)
def test_qhull_finds_the_same_facets_in_floating_point(scenario):
    equations = ConvexHull(vertices(scenario)).equations
    scaled = equations / np.abs(equations).max(axis=1, keepdims=True)
    distinct = {tuple(row) for row in np.round(scaled, 6) + 0.0}
    rows = facets(scenario).rows
    own = np.concatenate([-rows[:, 1:], -rows[:, :1]], axis=1)
    own = own / np.abs(own).max(axis=1, keepdims=True)
    assert distinct == {tuple(row) for row in np.round(own, 6) + 0.0}


def test_chsh_has_16_facets_of_positivity_and_8_of_chsh():
    small, large = facet_classes(facets(CHSH))
    assert (small.size, small.is_trivial, large.size, large.is_trivial) == (8, False, 16, True)
    forms = [facets(CHSH).inequality(int(k)).normal_form() for k in small.members]
    assert fa.chsh_inequality().normal_form() in forms
    for form in forms:
        signs = [k for names, k in form.items() if names]
        assert (form[()], np.prod(signs)) == (-2, -1)


@pytest.mark.parametrize("n", range(3, 8))
def test_the_n_cycle_has_4n_facets_of_positivity_and_2_to_the_n_minus_1_others(n):
    """Araújo et al. (2013), Theorem 1."""
    found = facets(cycle_scenario(n))
    sizes = {c.is_trivial: c.size for c in facet_classes(found)}
    assert sizes == {True: 4 * n, False: 2 ** (n - 1)}
    (other,) = (c for c in facet_classes(found) if not c.is_trivial)
    assert fa.cycle_inequality(n).normal_form() in [found.inequality(int(k)).normal_form() for k in other.members]


def test_three_settings_a_side_have_684_facets_in_three_classes():
    """Collins & Gisin (2004): positivity, CHSH and I3322."""
    found = facets(bell_scenario(3, 3))
    found.verify(by_symmetry=True)
    assert [(c.size, c.is_trivial) for c in facet_classes(found)] == [(36, True), (72, False), (576, False)]


def test_the_number_of_automorphisms_is_known():
    assert sum(1 for _ in automorphisms(CHSH)) == 8
    assert sum(1 for _ in automorphisms(bell_scenario(3, 3))) == 72
    assert sum(1 for _ in automorphisms(peres_mermin_scenario())) == 72
    assert sum(1 for _ in automorphisms(Scenario([("a", "b")], {"a": 2, "b": 3}))) == 1


@pytest.mark.parametrize("scenario", SMALL, ids=lambda s: s.name or "uneven")
def test_relabellings_permute_the_assignments_and_keep_the_facets(scenario):
    incidence = {row.tobytes() for row in facets(scenario).incidence}
    for permutation in relabellings(scenario):
        assert sorted(permutation) == list(range(len(scenario.assignments)))
        moved = np.empty_like(facets(scenario).incidence)
        moved[:, permutation] = facets(scenario).incidence
        assert {row.tobytes() for row in moved} == incidence


@pytest.mark.parametrize("scenario", [CHSH, KCBS, UNEVEN], ids=lambda s: s.name or "uneven")
def test_the_inequalities_of_the_facets_hold_for_every_assignment_and_are_tight(scenario):
    found = facets(scenario)
    for k in range(len(found)):
        inequality = found.inequality(k)
        inequality.verify()
        values = np.tensordot(scenario.deterministic, inequality.coefficients, inequality.coefficients.ndim)
        assert np.array_equal(values == inequality.bound, found.incidence[k])


@pytest.mark.parametrize(("n", "count"), [(3, 8 + 4), (4, 16 + 8), (5, 32 + 16)])
def test_the_vertices_of_all_nondisturbing_phenomena_are_assignments_and_extreme_boxes(n, count):
    """Araújo et al. (2013), Theorem 2."""
    found = nondisturbing_vertices(cycle_scenario(n))
    assert len(found) == count
    boxes = [p for p in found if sp.Rational(1, 2) in p.table]
    assert len(boxes) == count - 2**n
    for p in boxes:
        assert is_nondisturbing(p)
        correlators = [p.correlator(c) for c in range(n)]
        assert set(correlators) <= {1, -1}
        assert np.prod(correlators) == -1


@pytest.mark.parametrize(("n", "sizes"), [(3, [4, 8]), (4, [8, 16]), (5, [16, 32])])
def test_up_to_symmetry_a_cycle_has_two_vertices_and_they_answer_alike_within_a_class(n, sizes):
    classes = vertex_classes(cycle_scenario(n))
    assert [len(alike) for alike in classes] == sizes
    assert [fa.is_factorisable(alike[0]) for alike in classes] == [False, True]
    for alike, factorises in zip(classes, (False, True), strict=True):
        assert all(fa.is_factorisable(p) == factorises for p in alike[1:3])


def test_the_classes_hold_every_vertex_once():
    found = [p.table.tolist() for alike in vertex_classes(cycle_scenario(4)) for p in alike]
    every = [p.table.tolist() for p in nondisturbing_vertices(cycle_scenario(4))]
    assert len(found) == len(every)
    assert all(table in every for table in found)
