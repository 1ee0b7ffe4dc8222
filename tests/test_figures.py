"""Figures: they show what they are given, say what their axes are, and are the same bytes every time."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle, RegularPolygon
from published_book import PLAN

from compendium import figures
from qlib.graphs.graphs import CausalGraph, NodeKind, do, instrumental_graph, intervene_on_edges

NETWORK = instrumental_graph(NodeKind.QUANTUM, order_only=[("Z", "Y")])
SHAPES = {
    NodeKind.OBSERVED: Circle,
    NodeKind.LATENT: Circle,
    NodeKind.QUANTUM: RegularPolygon,
    NodeKind.FIXED: Rectangle,
}


@pytest.fixture(autouse=True)
def style() -> Iterator[None]:
    """The book's style in every test, and no figure left open."""
    with mpl.rc_context():
        plt.switch_backend("agg")
        plt.style.use(str(Path(figures.__file__).with_name("compendium.mplstyle")))
        yield
        plt.close("all")


def bounds() -> Figure:
    return figures.bounds_by_assumption(["none", "some", "all"], [-1, 0.1, np.nan], [1, 0.1, np.nan], 0.0, "truth")


def scale() -> Figure:
    return figures.effect_scale({"seen": (0.3, 0.3), "allowed": (-0.1, 0.5)}, "effect")


def tables() -> Figure:
    return figures.joint_tables({"coins": [[[0.1, 0.2], [0.3, 0.4]], np.eye(2) / 2]}, ["a", "b"], "u", "v")


def steps() -> Figure:
    return figures.left_after({"all": 1_000_000, "after Step 1": 250}, "structures left")


def growth() -> Figure:
    return figures.evidence_growth([[0.1, 2.0], [-0.1, -np.inf]], threshold=6, expected=0.01, rounds=[100, 200])


def counts() -> Figure:
    return figures.counts_against_law(["00", "01"], [0.4, 0.6], [0.41, 0.59], [0.35, 0.55], [0.45, 0.65])


def graphs() -> Figure:
    return figures.causal_graphs([NETWORK, do(NETWORK, "X")], ["before", "after"])


CLASS = {"ace": 0.0, "gap": 0.1, "concurrence": 0.5, "alice": 1.0, "bob": 1.2, "visibility": 0.8}
CLASSES = dict.fromkeys(("one", "two", "three", "four"), CLASS)
CURVE = np.linspace(0, 1, 5)


def by_effect() -> Figure:
    return figures.contradiction_by_effect({"one": CLASS}, (CURVE, CURVE / 5), (CURVE, CURVE / 3))


def by_concurrence() -> Figure:
    return figures.contradiction_by_concurrence(CLASSES, CURVE, CURVE / 6, CURVE / 7)


def by_noise() -> Figure:
    return figures.contradiction_by_noise(CLASSES)


def by_angles() -> Figure:
    grid = np.linspace(0.1, 1.5, 4)
    return figures.contradiction_by_angles(CLASSES, grid, grid, np.outer(grid, grid))


def perturbation() -> Figure:
    sizes = np.array([0.001, 0.01])
    signals = {"one": np.outer([1, 2], sizes), "two": np.outer([0.5, 3], sizes)}
    return figures.signal_against_perturbation(sizes, signals, lambda s: 1 / np.square(s), {"kept": np.zeros((2, 2))})


def cost() -> Figure:
    linear = {"message": (lambda s: s / 2 - 1, [0.0, 1.0])}
    return figures.cost_against_violation([2, 4], linear, {"bits": lambda s: (s - 2) ** 2}, 2.8)


PLOTS: list[Callable[[], Figure]] = [bounds, scale, tables, steps, growth, counts, perturbation, cost]
PLOTS += [by_effect, by_concurrence, by_noise, by_angles]


def arrows(ax: Axes) -> list[FancyArrowPatch]:
    return [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]


# ── every figure ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("draw", [*PLOTS, graphs], ids=lambda f: f.__name__)
def test_a_figure_is_the_same_bytes_every_time(draw: Callable[[], Figure], tmp_path: Path) -> None:
    for name in ("first", "second"):
        figure = draw()
        assert figures.save(figure, tmp_path, name) is figure
    first = (tmp_path / "first.svg").read_bytes()
    assert (tmp_path / "second.svg").read_bytes() == first
    assert b"<dc:date>" not in first
    assert first.startswith(b"<?xml")


def test_a_figure_is_the_same_bytes_in_every_process_whatever_the_style(tmp_path: Path) -> None:
    """Neither the seed of Python's hashes nor a style that leaves the names in the file to chance shows in it."""
    program = (
        "import sys; from pathlib import Path; from compendium import figures; "
        "from qlib import graphs; g = graphs.instrumental_graph\n"
        "figures.save(figures.causal_graphs([g()]), Path(sys.argv[1]), 'there')"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1", "MPLBACKEND": "agg"}
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, env=environment)
    mpl.rcdefaults()
    figures.save(figures.causal_graphs([instrumental_graph()]), tmp_path, "here")
    assert (tmp_path / "here.svg").read_bytes() == (tmp_path / "there.svg").read_bytes()


def test_a_figure_is_shown_as_it_was_saved_unless_it_has_changed_since_then(tmp_path: Path) -> None:
    figures.use_style()
    shown = InteractiveShell.instance().display_formatter.formatters["image/svg+xml"]
    figure = figures.causal_graphs([instrumental_graph()])
    saved = figures.save(figure, tmp_path, "graph")
    assert shown(saved) == (tmp_path / "graph.svg").read_text(encoding="utf-8")
    figure.axes[0].texts[0].set_color("red")
    assert "#ff0000" in shown(saved)
    assert "#ff0000" not in (tmp_path / "graph.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("draw", PLOTS, ids=lambda f: f.__name__)
def test_every_axis_says_what_it_shows(draw: Callable[[], Figure]) -> None:
    """By its label, or by naming each of its ticks."""
    for axis in (axis for ax in draw().axes for axis in (ax.xaxis, ax.yaxis) if axis.get_visible()):
        ticks = {tick.get_text() for tick in axis.get_ticklabels()}
        assert axis.get_label_text() or ticks <= {"none", "some", "all", "00", "01", "one", "two", "kept"}


def test_words_are_nine_pixels_high_on_a_phone(book) -> None:
    """A column of text is 342 pixels wide there; a wider figure shrinks to it. A glyph's scale is its size over 100."""
    small = {}
    for file in sorted(PLAN.generated.rglob("*.svg")):
        svg = file.read_text(encoding="utf-8")
        inches = float(re.search(r'width="([\d.]+)pt"', svg)[1]) / 72
        points = min((float(size) * 100 for size in re.findall(r"scale\(([\d.]+) -\1\)", svg)), default=99)
        if (pixels := round(points * 96 / 72 * min(1, 342 / (96 * inches)), 1)) < 8.8:
            small[file.relative_to(PLAN.generated).as_posix()] = pixels
    assert small == {}


def test_parameters_of_the_same_range_have_the_same_scale() -> None:
    degrees = np.linspace(-180, 180, 3)
    for up, aspect in ((degrees, 1), (degrees / 2, "auto")):
        figure = figures.maps(degrees, up, {"": np.zeros((3, 3))}, "x", "y", "z", 1.0)
        assert figure.axes[0].get_aspect() == aspect


def test_use_style_is_the_style_of_the_book() -> None:
    mpl.rcdefaults()
    figures.use_style()
    assert mpl.rcParams["svg.hashsalt"] == "qlib"
    assert mpl.rcParams["figure.constrained_layout.use"]
    colours = mpl.rcParams["axes.prop_cycle"].by_key()["color"]
    assert [f"#{colour.lstrip('#')}" for colour in colours] == [
        figures.BLUE, figures.VERMILLION, figures.GREEN, figures.PURPLE, figures.ORANGE, figures.SKY, figures.BLACK,
    ]  # fmt: skip


# ── causal graphs ───────────────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def causal_graphs(draw: st.DrawFn) -> CausalGraph:
    nodes = "ABCDEF"[: draw(st.integers(1, 6))]
    edges = [pair for pair in combinations(nodes, 2) if draw(st.booleans())]
    order = [edge for edge in edges if draw(st.integers(0, 3)) == 0]
    graph = CausalGraph({node: draw(st.sampled_from(list(NodeKind)[:3])) for node in nodes}, edges, order)
    return do(graph, *[node for node in nodes if draw(st.integers(0, 4)) == 0])


@settings(max_examples=15)
@given(causal_graphs())
def test_a_graph_is_drawn_node_per_node_and_arrow_per_arrow(graph: CausalGraph) -> None:
    figure, ax = plt.subplots()
    figures.draw_causal_graph(ax, graph)
    assert [text.get_text() for text in ax.texts] == [f"${node}$" for node in graph.kinds]
    nodes = [patch for patch in ax.patches if not isinstance(patch, FancyArrowPatch)]
    for node, patch in zip(graph.kinds, nodes, strict=True):
        kind = graph.kinds[node]
        assert isinstance(patch, SHAPES[kind])
        assert patch.get_linestyle() == figures.NODE_STYLE[kind]["linestyle"]
    drawn = arrows(ax)
    assert len(drawn) == len(graph.edges)
    dashed = [arrow for arrow in drawn if arrow.get_linestyle() != "-"]
    assert len(dashed) == len(graph.order_only)
    plt.close(figure)


@settings(max_examples=15)
@given(causal_graphs())
def test_every_node_has_a_place_of_its_own_and_is_within_the_axes(graph: CausalGraph) -> None:
    figure, ax = plt.subplots()
    figures.draw_causal_graph(ax, graph)
    places = [text.get_position() for text in ax.texts]
    assert len(set(places)) == len(places)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert all(left < x < right and bottom < y < top for x, y in places)
    plt.close(figure)


def test_nodes_stand_where_the_graph_puts_them() -> None:
    (ax,) = figures.causal_graphs([NETWORK]).axes
    assert {text.get_text(): text.get_position() for text in ax.texts} == {
        "$Z$": (0, 0), "$X$": (1.5, 0), "$Y$": (3, 0), r"$\Lambda$": (2.25, 1.2),
    }  # fmt: skip


def test_nodes_without_a_place_stand_below_those_that_have_one() -> None:
    hypothetical = intervene_on_edges(NETWORK, {("X", "Y"): "x", ("Z", "Y"): "z"})
    (ax,) = figures.causal_graphs([hypothetical]).axes
    places = {text.get_text(): text.get_position() for text in ax.texts}
    assert all(places[f"${fixed}$"][1] < 0 for fixed in "xz")
    assert len(set(places.values())) == 6


@pytest.mark.parametrize("turn", range(8))
@pytest.mark.parametrize("offset", [0.0, 0.2])
def test_an_arrow_bends_around_a_node_in_its_way_in_every_direction(turn: int, offset: float) -> None:
    direction = np.exp(1j * np.pi * turn / 4)
    points = {"A": 0j, "B": (1.5 + offset * 1j) * direction, "C": 3 * direction, "D": 3j * direction}
    places = {name: (point.real, point.imag) for name, point in points.items()}
    graph = CausalGraph(dict.fromkeys("ABCD", NodeKind.OBSERVED), [("A", "C"), ("A", "D")], positions=places)
    _, ax = plt.subplots()
    figures.draw_causal_graph(ax, graph)
    bent, straight = arrows(ax)
    assert getattr(bent.get_connectionstyle(), "rad", 0) != 0
    assert getattr(straight.get_connectionstyle(), "rad", 0) == 0


def test_an_underscore_in_a_name_makes_an_index_of_all_that_follows() -> None:
    graph = CausalGraph({"A_out": NodeKind.OBSERVED, "Λ_1": NodeKind.QUANTUM}, [])
    figure = figures.causal_graphs([graph])
    assert [text.get_text() for text in figure.axes[0].texts] == ["$A_{out}$", r"$\Lambda_{1}$"]
    figure.canvas.draw()


def test_graphs_side_by_side_have_one_scale_and_their_titles() -> None:
    figure = graphs()
    assert [ax.get_title() for ax in figure.axes] == ["before", "after"]
    figure.canvas.draw()
    scales = [ax.transData.transform((1, 0))[0] - ax.transData.transform((0, 0))[0] for ax in figure.axes]
    assert scales[0] == pytest.approx(scales[1], rel=0.02)


def test_missing_graphs_and_titles_are_refused() -> None:
    with pytest.raises(ValueError, match="0 graphs with 0 titles"):
        figures.causal_graphs([])
    with pytest.raises(ValueError, match="2 graphs with 1 titles"):
        figures.causal_graphs([NETWORK, NETWORK], ["one"])


# ── plots ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_bars_reach_from_bound_to_bound_and_those_that_miss_the_truth_stand_out() -> None:
    figure = figures.bounds_by_assumption(
        ["a", "b", "c", "d"], [-1, 0.1, -0.5, np.nan], [1, 0.4, -0.5, np.nan], 0.0, "truth"
    )
    (ax,) = figure.axes
    bars = ax.lines[:3]
    assert [bar.get_xdata().tolist() for bar in bars] == [[-1, 1], [0.1, 0.4], [-0.5, -0.5]]
    assert [bar.get_ydata()[0] for bar in bars] == [3, 2, 1]
    assert [bar.get_color() for bar in bars] == [figures.BLUE, figures.VERMILLION, figures.VERMILLION]
    assert ax.lines[3].get_xdata() == [0.0, 0.0]
    assert {text.get_text() for text in ax.texts} == {"impossible", "truth"}
    ticks = dict(zip(ax.get_yticks(), [tick.get_text() for tick in ax.get_yticklabels()], strict=True))
    assert ticks == {3: "a", 2: "b", 1: "c", 0: "d"}


def test_bounds_that_coincide_can_be_seen() -> None:
    pixels = []
    for point in (0.52, -0.52):
        figure = figures.bounds_by_assumption(["a"], [point], [point], 0.0, "")
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pixels.append(np.asarray(canvas.buffer_rgba()).copy())
    assert (pixels[0] != pixels[1]).any()


def test_a_scale_of_effects_says_each_number_and_refuses_an_interval_that_ends_before_it_begins() -> None:
    (ax,) = scale().axes
    assert [text.get_text() for text in ax.texts] == ["seen: 0.300", "allowed: −0.100 to 0.500"]
    assert [line.get_xdata().tolist() for line in ax.lines[:2]] == [[0.3, 0.3], [-0.1, 0.5]]
    with pytest.raises(ValueError, match=r"^rows: the interval of 'allowed'"):
        figures.effect_scale({"allowed": (0.5, 0.1)}, "effect")


def test_tables_of_probabilities_say_each_number_in_its_cell() -> None:
    left, right = tables().axes
    assert [(text.get_position(), text.get_text()) for text in left.texts][1] == ((1.5, 0.5), "0.2")
    assert [text.get_text() for text in right.texts] == ["0.5", "0", "0", "0.5"]
    with pytest.raises(ValueError, match=r"^rows: each should have 1 tables"):
        figures.joint_tables({"coins": []}, ["a"], "u", "v")


def test_what_is_left_is_said_above_each_bar_and_nothing_has_no_logarithm() -> None:
    (ax,) = steps().axes
    assert [text.get_text() for text in ax.texts] == ["all: 1,000,000", "after Step 1: 250"]
    assert [bar.get_width() for bar in ax.patches] == [1_000_000, 250]
    with pytest.raises(ValueError, match="'none' has 0"):
        figures.left_after({"none": 0}, "left")


def test_bounds_of_nonsense_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(1,\) should be \(1,\), one a label"):
        figures.bounds_by_assumption(["a"], [0, 0], [1], 0.0, "")
    with pytest.raises(ValueError, match="should not exceed"):
        figures.bounds_by_assumption(["a"], [1], [0], 0.0, "")
    with pytest.raises(ValueError, match="and be NaN where that is"):
        figures.bounds_by_assumption(["a"], [np.nan], [0], 0.0, "")


def test_evidence_is_drawn_in_decimal_logarithms() -> None:
    paths = np.log(10) * np.array([[1.0, 2.0], [3.0, 4.0]])
    (ax,) = figures.evidence_growth(paths, threshold=1.5, expected=np.log(10) / 100, rounds=[100, 200]).axes
    assert [line.get_ydata().tolist() for line in ax.lines[:3]] == [
        pytest.approx([1, 2]), pytest.approx([3, 4]), pytest.approx([1, 2]),
    ]  # fmt: skip
    assert list(ax.lines[3].get_ydata()) == [1.5, 1.5]
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["simulated runs", "expected", "rejection at level $10^{-1.5}$"]


def test_counts_stand_against_their_law_and_its_acceptance_region() -> None:
    (ax,) = counts().axes
    assert [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in ax.patches] == [
        pytest.approx((0.35, 0.45)), pytest.approx((0.55, 0.65)),
    ]  # fmt: skip
    (circuit,) = ax.lines
    assert circuit.get_ydata().tolist() == [0.41, 0.59]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["00", "01"]
    assert ax.get_ylim()[0] == 0


def test_the_kinds_of_nodes_can_be_told_apart_without_colour() -> None:
    """Shape and outline together differ for every two kinds."""
    looks = {(SHAPES[kind], figures.NODE_STYLE[kind]["linestyle"]) for kind in NodeKind}
    assert len(looks) == len(NodeKind)
    assert set(figures.NODE_STYLE) == set(NodeKind)


def test_positions_are_for_drawing_only() -> None:
    moved = replace(NETWORK, positions={"Z": (9, 9)})
    assert moved == NETWORK
    (ax,) = figures.causal_graphs([moved]).axes
    assert (9, 9) in [text.get_position() for text in ax.texts]


# ── fine-tuning ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_graphs_in_a_grid_fill_its_rows_and_have_their_names() -> None:
    figure = figures.causal_graph_grid(dict.fromkeys(("a", "b", "c"), NETWORK), columns=2)
    assert [ax.get_title() for ax in figure.axes] == ["a", "b", "c", ""]
    assert [len(arrows(ax)) for ax in figure.axes] == [len(NETWORK.edges)] * 3 + [0]
    for graphs, columns in (({}, 2), ({"a": NETWORK}, 0)):
        with pytest.raises(ValueError, match="at least one of either"):
            figures.causal_graph_grid(graphs, columns)


def test_the_axis_of_rounds_is_the_one_of_signals_seen_through_the_function() -> None:
    signals, _, rounds = perturbation().axes
    np.testing.assert_allclose(rounds.get_ylim(), 1 / np.square(signals.get_ylim()))


def test_a_protected_signal_is_a_point_at_zero() -> None:
    _, spread, _ = perturbation().axes
    *_, median = spread.lines
    assert np.ravel(median.get_xdata()).tolist() == [0]


def test_linear_costs_have_their_dots_on_the_line() -> None:
    left, right = cost().axes
    line, dots = left.lines[:2]
    np.testing.assert_allclose(np.interp(dots.get_xdata(), line.get_xdata(), line.get_ydata()), dots.get_ydata())
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["bits"]


# ── the ladder ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_ladder_has_its_rungs_from_the_bottom_and_a_bar_for_each() -> None:
    figure = figures.ladder_of_causation(["see", "do", "imagine"], ["a?", "b?", "c?"], [2, 3, 5])
    ladder, bars = figure.axes
    heights = {text.get_text(): text.get_position()[1] for text in ladder.texts}
    assert heights["see"] < heights["do"] < heights["imagine"]
    assert [bar.get_width() for bar in bars.patches] == [2, 3, 5]
    with pytest.raises(ValueError, match="2 rungs, 1 questions, 2 numbers"):
        figures.ladder_of_causation(["see", "do"], ["a?"], [1, 2])


def test_rates_are_bars_side_by_side_in_each_stratum() -> None:
    (ax,) = figures.rates_by_stratum(["small", "large"], {"a": [0.9, 0.7], "b": [0.8, 0.6]}, "rate").axes
    assert [bar.get_height() for bar in ax.patches] == [0.9, 0.7, 0.8, 0.6]
    assert [bar.get_hatch() for bar in ax.patches] == ["", "", "///", "///"], "told apart by more than their colour"
    middles = [bar.get_x() + bar.get_width() / 2 for bar in ax.patches]
    np.testing.assert_allclose([(middles[0] + middles[2]) / 2, (middles[1] + middles[3]) / 2], [0, 1], atol=1e-12)
    with pytest.raises(ValueError, match=r"rates of 'b': shape \(1,\) should be \(2,\)"):
        figures.rates_by_stratum(["small", "large"], {"a": [0.9, 0.7], "b": [0.8]}, "rate")
    with pytest.raises(ValueError, match="0 groups: there should be one to 4"):
        figures.rates_by_stratum(["small"], {}, "rate")


def test_a_link_diagram_has_a_head_for_each_arrow_and_none_for_other_links() -> None:
    places = {"C(i)": (0.0, 0.0), "Z(rest)": (2.0, 0.0), "Lambda": (1.0, 1.5)}
    figure = figures.link_diagram(places, ["C(i) - Z(rest)", "Lambda -> C(i)"], latent=["Lambda"])
    (ax,) = figure.axes
    lines = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    assert [type(line.get_arrowstyle()).__name__ for line in lines] == ["Curve", "CurveFilledB"]
    assert {text.get_text() for text in ax.texts} == {"$C_i$", r"$Z_{\setminus i}$", r"$\Lambda$"}
    for odd in ("C(i) - D", "C(i) <- Lambda"):
        with pytest.raises(ValueError, match="should be 'P - Q' or 'P -> Q'"):
            figures.link_diagram(places, [odd])
