"""Calls of every public function of the library with arguments that are wrong in one place, and what became of them.

The doctests supply valid calls; each of their arguments is exchanged in turn for what it should not be: a text for a
number, NaN, an imaginary part, a masked or missing entry, a wrong shape, None. A call should then give a value,
or raise a ``ValueError`` or ``TypeError`` of the library's own that names the argument or what is wrong in it.

    python tests/fuzz.py                       # the table, module by module
    python tests/fuzz.py bell_tests channels   # the calls of two modules that ended otherwise
"""

from __future__ import annotations

import copy
import dataclasses
import dis
import doctest
import enum
import functools
import importlib
import inspect
import io
import pkgutil
import random
import re
import resource
import signal
import sys
import time
import types
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

import qlib
from qlib.correlations.polytope import vertices

ROOT = Path(qlib.__path__[0]).parent
PACKAGES = ("qlib", "compendium")
SECONDS, BYTES = 2.0, 2**30  # what one call may take
CHECKS = "numbers.arguments"  # what refuses
BOOK = re.compile(r"(?:claims|figures|pages)\.(?!operator_formulas)|circuits\.(?:backends|ionq)$")  # not the science


# --- valid calls -----------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Example:
    """A valid call: of which public callable, with which arguments, by parameter."""

    name: str
    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    seconds: float

    def call(self, changed: Mapping[str, Any]) -> Any:
        """The call with some arguments changed."""
        arguments = {**self.arguments, **changed}
        positional, named, gap = [], {}, False
        for parameter in inspect.signature(self.function).parameters.values():
            if parameter.name in arguments:
                value = arguments[parameter.name]
                if parameter.kind is parameter.VAR_POSITIONAL:
                    positional += value
                elif parameter.kind is parameter.VAR_KEYWORD:
                    named |= value
                elif parameter.kind is parameter.KEYWORD_ONLY or gap:
                    named[parameter.name] = value
                else:
                    positional.append(value)
            elif parameter.name != "self":
                gap = True
        return self.function(*positional, **named)


def short(module: types.ModuleType) -> str:
    """The name of a module within its package, such as ``models.bounds``."""
    return module.__name__.partition(".")[2]


def modules(book: bool = False) -> list[types.ModuleType]:
    """The modules of science, or those of the book."""
    rooms = [qlib, importlib.import_module("compendium.studies"), importlib.import_module("compendium.claims")]
    rooms += [importlib.import_module(f"compendium.{name}") for name in ("pages", "figures")] if book else []
    found = (m for room in rooms for m in pkgutil.walk_packages(room.__path__, f"{room.__name__}.") if not m.ispkg)
    chosen = sorted({m.name for m in found if bool(BOOK.match(m.name.partition(".")[2])) is book})
    return [importlib.import_module(name) for name in chosen if not name.endswith(CHECKS)]


@functools.cache
def _taken() -> str:
    """The annotations of the parameters of all public functions, in one text."""
    annotations = []
    for module in modules() + modules(book=True):
        if ".vocabulary." in module.__name__:
            continue  # a paper's vocabulary reads answers, it does not take them from a user
        for _, owner, attribute, member in _public(module):
            inner = getattr(member, "__func__", member)
            if not (attribute == "__init__" and dataclasses.is_dataclass(owner)):
                annotations += [str(p.annotation) for p in inspect.signature(inner).parameters.values()]
    return " ".join(annotations)


def public(module: types.ModuleType) -> Iterator[tuple[str, Any, str, Any]]:
    """Public callables of a module that take arguments: full name, owner, attribute, and what stands there.

    A record that no public function takes is an answer: nobody but the library makes one.
    """
    for name, owner, attribute, member in _public(module):
        record = attribute == "__init__" and dataclasses.is_dataclass(owner) and not hasattr(owner, "__post_init__")
        written = getattr(member, "__code__", None) is not None and member.__code__.co_filename != "<string>"
        if not record or written or re.search(rf"\b{owner.__name__}\b", _taken()):
            yield name, owner, attribute, member


def _public(module: types.ModuleType) -> Iterator[tuple[str, Any, str, Any]]:
    for name, item in vars(module).items():
        if name.startswith("_") or getattr(item, "__module__", None) != module.__name__:
            continue
        if inspect.isclass(item):
            if getattr(item, "_is_protocol", False) or issubclass(item, BaseException | enum.Enum):
                continue
            for attribute, member in list(vars(item).items()):
                shown = attribute in ("__init__", "__call__", "__getitem__") or not attribute.startswith("_")
                if shown and isinstance(member, types.FunctionType | classmethod):
                    yield f"{short(module)}.{name}.{attribute}", item, attribute, member
        elif isinstance(item, types.FunctionType | functools._lru_cache_wrapper):
            yield f"{short(module)}.{name}", module, name, item


@contextmanager
def recording(found: dict[str, list[Example]], chosen: list[types.ModuleType], most: int) -> Iterator[None]:
    """While this lasts, calls of public callables are noted, the first few of each."""
    undo: list[tuple[Any, str, Any]] = []
    everywhere = [module for name, module in sys.modules.items() if name.partition(".")[0] in PACKAGES]
    for module in chosen:
        for name, owner, attribute, member in public(module):
            inner = member.__func__ if isinstance(member, classmethod) else member
            recorder = _recorder(name, inner, owner if isinstance(member, classmethod) else None, found, most)
            if inspect.isclass(owner):
                undo.append((owner, attribute, member))
                setattr(owner, attribute, classmethod(recorder) if isinstance(member, classmethod) else recorder)
            else:
                for place in everywhere:
                    for key, value in list(vars(place).items()):
                        if value is member:
                            undo.append((place, key, member))
                            setattr(place, key, recorder)
    try:
        yield
    finally:
        for owner, attribute, member in undo:
            setattr(owner, attribute, member)


def _recorder(name: str, function: Any, owner: Any, found: dict[str, list[Example]], most: int) -> Callable[..., Any]:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def recorder(*args: Any, **kwargs: Any) -> Any:
        if len(found.setdefault(name, [])) >= most:
            return function(*args, **kwargs)
        try:
            bound = signature.bind(*args, **kwargs).arguments
            for key, value in bound.items():
                if isinstance(value, Iterator):
                    bound[key] = tuple(value)
            again = inspect.BoundArguments(signature, bound)
            kept = {key: value if key == "self" else _copied(value) for key, value in bound.items()}
        except TypeError:
            return function(*args, **kwargs)
        start = time.perf_counter()
        result = function(*again.args, **again.kwargs)
        seconds = time.perf_counter() - start
        called = function
        if name.endswith(".__init__"):
            called = type(kept.pop("self"))
        elif owner is not None:
            called = getattr(kept.pop("cls"), name.rsplit(".", 1)[1])
        if len(found[name]) < most and not any(_same(kept, example.arguments) for example in found[name]):
            found[name].append(Example(name, called, kept, seconds))
        return result

    return recorder


def _copied(value: Any) -> Any:
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return {k: repr(v) for k, v in one.items() if k != "self"} == {k: repr(v) for k, v in other.items() if k != "self"}


def examples(chosen: list[types.ModuleType], most: int = 2) -> dict[str, list[Example]]:
    """Valid calls of the public callables, from the doctests, fastest module first."""
    found: dict[str, list[Example]] = {}
    everything = modules() + modules(book=True)
    with recording(found, chosen, most), redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        finder, runner = doctest.DocTestFinder(exclude_empty=True), doctest.DocTestRunner(verbose=False)
        for module in everything:
            if BOOK.match(short(module)) and module not in chosen:
                continue
            for test in _doctests(finder, module):
                runner.run(test, clear_globs=False)
        _more_calls()
    unwrapped = {name: member for module in chosen for name, _, _, member in public(module)}
    for name, calls in found.items():
        if isinstance(unwrapped[name], types.FunctionType | functools._lru_cache_wrapper) and not name.endswith(
            "__init__"
        ):
            found[name] = [dataclasses.replace(call, function=unwrapped[name]) for call in calls]
        elif isinstance(unwrapped[name], classmethod):
            attribute = name.rsplit(".", 1)[1]
            found[name] = [
                dataclasses.replace(call, function=getattr(call.function.__self__, attribute)) for call in calls
            ]
        elif not name.endswith("__init__"):
            found[name] = [dataclasses.replace(call, function=unwrapped[name]) for call in calls]
    return found


def _more_calls() -> None:
    """Calls of what no doctest calls."""
    from compendium.claims import operator_formulas
    from qlib.circuits import process_circuits
    from qlib.correlations import (
        bell_tests,
        classical_cost,
        hidden_variables,
        instrumental_strategies,
        polytope,
        scenarios,
    )
    from qlib.graphs import enumeration, graphs
    from qlib.models import bounds, structural_models
    from qlib.numbers import algebraic_numbers, exact_arrays, hypothesis_tests
    from qlib.quantum import (
        channels,
        classical_to_quantum,
        instruments,
        process_parts,
        processes,
        random_processes,
    )

    state, one = np.diag([0.25, 0.75]), np.eye(2)
    z = np.stack([np.diag([1, 0]), np.diag([0, 1])])
    square, bell_scenario = scenarios.pr_box(), scenarios.bell_scenario(2, 2)
    bell_tests.mermin(3)
    channels.validate_state(state, "rho")
    channels.validate_measurement(z, "M")
    classical_cost.dependence_program(classical_cost.isotropic(3))
    classical_cost.failures(1, 0)
    graphs.instrumental_graph().ancestors("Y")
    batch = enumeration.mixed_graphs(2)
    enumeration.explicit_latents(batch)
    enumeration.projected(enumeration.with_latent_nodes(enumeration.dags(2), [[{0, 1}]]), 2)
    enumeration.from_projections([graphs.latent_projection(graphs.instrumental_graph())])
    hypothesis_tests.best_bet([[0.9, 0.1]], [[[0.5, 0.5]]], [1.0]).rounds(0.01)
    uniform = scenarios.white_noise(bell_scenario)
    model = hidden_variables.factorise(uniform)
    hidden_variables.joint_law(model)
    model.phenomenon("noise")
    hidden_variables.is_factorisable(square)
    hidden_variables.cycle_inequality(5)
    polytope.facets(bell_scenario).inequality(3)
    polytope.facets(scenarios.bell_scenario(1, 1)).verify()
    bounds.assumption_table(np.full((2, 2, 2), sp.Rational(1, 4)))[0].excludes(2)
    chsh = np.array([[-2, 0, 0], [0, 1, 1], [0, 1, -1]])
    instrumental_strategies.critical_visibility(chsh, np.array([[1, 0, 0], [0, 0.7, 0.7], [0, 0.7, -0.7]]))
    scenarios.mix(0.5, square, uniform)
    scenarios.disturbance_tests(scenarios.Scenario([("a", "b"), ("b", "c")]), np.full((2, 2, 2), 10), 0.01)
    scenarios.contextual_cycle(5)
    scenarios.quantum_phenomenon(scenarios.Scenario([("a",)]), np.array([1.0, 0.0]), {"a": z})
    z_measured = instruments.Instrument.from_povm({"up": z[0], "down": z[1]}, "z")
    z_measured.choi("up")
    z_measured.quantum_info("up")
    instruments.Instrument.measure_and_prepare({0: z[0], 1: z[1]}, {0: state, 1: one / 2}, "m")
    instruments.Instrument.unitary(np.array([[0, 1], [1, 0]]))
    instruments.Instrument.idle(2)
    chain, rng = (
        graphs.CausalGraph(dict.fromkeys("AB", graphs.NodeKind.OBSERVED), [("A", "B")]),
        np.random.default_rng(1),
    )
    random_processes.random_state(2, rng)
    acting = {name: random_processes.random_instrument(processes.QuantumNode(name), rng) for name in "AB"}
    random_model = random_processes.random_structural_model(chain, rng)
    random_model.weight({"Λ_A": 0})
    for process in (random_model.causal_model(), processes.ProcessMixture.of(random_model)):
        processes.probability(process, acting, {"A": 0})
    process_parts.influences(random_model.parts, "B", random_model.wires, random_model.dims)
    circuit = process_circuits.process_circuit(random_model, acting)
    circuit.sample(10, rng)
    parts = (random_model.endogenous, random_model.preparations, random_model.parts, random_model.wires)
    classical_to_quantum.JointPreparation(*parts, ("Λ_A", "Λ_B"), np.full((2, 2), 0.25))
    algebraic_numbers.differs(sp.sqrt(2) - 1)
    exact_arrays.minimum([sp.sqrt(2), sp.Integer(1)])
    scenarios.disturbances(square)
    noisy = structural_models.StructuralModel(
        {"U": (0, 1)}, {"V": structural_models.Mechanism(("U",), np.array([0, 1]))}
    )
    noisy.responses("V")
    operator = operator_formulas.operator_on("AB", np.eye(4) / 4)
    operator.trace("A")
    operator_formulas.scalar(operator.trace("A", "B"))
    operator_formulas.tensor_product(operator, operator_formulas.operator_on({"C": 2}, one))


def _doctests(finder: doctest.DocTestFinder, module: types.ModuleType) -> Iterator[doctest.DocTest]:
    """The doctests of a module; `finder.find` would take the recorders for functions from elsewhere."""
    globs = vars(module)
    parser = doctest.DocTestParser()
    for name, item in list(vars(module).items()):
        if getattr(item, "__module__", None) != module.__name__ or not (inspect.isclass(item) or callable(item)):
            continue
        members = [item, *(vars(item).values() if inspect.isclass(item) else ())]
        for one in members:
            member = getattr(one, "__func__", getattr(one, "fget", getattr(one, "func", one)))
            if isinstance(doc := getattr(member, "__doc__", None), str) and ">>>" in doc:
                yield parser.get_doctest(doc, dict(globs), name, None, None)


# --- what is changed -------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Change:
    """One wrong argument; no answer can be right if it is `hopeless`."""

    label: str
    value: Any
    hopeless: bool = False


TEXT = "__import__('os').getcwd()"


def changes(value: Any, parameter: inspect.Parameter) -> Iterator[Change]:
    """Wrong arguments in the place of a valid one."""
    if isinstance(value, bool | np.bool_):
        return
    annotation = str(parameter.annotation)
    free = (
        any(word in annotation for word in ("Any", "object", "Hashable", "Outcome", "Callable", "Value"))
        and "Mapping" not in annotation
    )
    if parameter.kind is parameter.VAR_KEYWORD:
        return
    if (
        re.search("Outcome|Hashable|Value|World|object", annotation)
        and "Mapping" not in annotation
        and "|" not in annotation
    ):
        yield from (
            Change("None", None),
            Change("an object", object()),
            Change("list", []),
        )  # a label: anything will do
        return
    if parameter.kind is parameter.VAR_POSITIONAL:
        alone = inspect.Parameter(parameter.name, parameter.POSITIONAL_ONLY, annotation=parameter.annotation)
        for change in changes(value[0], alone) if value else ():
            yield dataclasses.replace(change, value=(change.value, *value[1:]))
        return
    if "None" not in annotation and parameter.default is not None and not free:
        yield Change("None", None, hopeless=True)
    if isinstance(value, str | enum.Enum):
        yield from (Change("number for text", 7, not free), Change("no such name", "no such name"))
        return
    if not free or isinstance(value, int | float | sp.Expr | np.ndarray):
        yield Change("an object", object(), hopeless=True)
    if isinstance(value, Mapping) and "Mapping" in annotation:
        labels = re.search(r"Mapping\[\w+, (Value|Outcome|Hashable)", annotation)  # texts may stand for numbers there
        for change in _of_mapping(value):
            if not (re.match(r"int \|", annotation) and change.label == "number"):
                label = labels and change.label.startswith("value")
                yield dataclasses.replace(change, hopeless=change.hopeless and not label)
    elif _is_number(value):
        yield from _of_number(value)
    elif _is_numeric(value):
        yield from _of_array(value)
    elif isinstance(value, list | tuple | set | frozenset):
        yield from _of_sequence(value)
    elif not free or dataclasses.is_dataclass(value):
        yield Change("text", "text", hopeless=True)
        if "int" not in annotation:
            yield Change("number", 7, hopeless=True)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | complex | np.number | sp.Expr) or type(value).__name__ == "Fraction"


def _is_numeric(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "iufc" or (value.dtype == object and all(map(_is_number, value.flat)))
    if isinstance(value, list | tuple):
        return bool(value) and all(map(_is_numeric, value)) and len(set(map(np.shape, value))) == 1
    return _is_number(value) and not isinstance(value, bool)


def _of_number(value: Any) -> Iterator[Change]:
    yield Change("number as text", str(value), hopeless=True)
    yield Change("text", TEXT, hopeless=True)
    yield Change("NaN", float("nan"), hopeless=True)
    yield from (Change("infinity", float("inf")), Change("complex", 0.5 + 0.5j), Change("negative", -1))
    yield from (Change("zero", 0), Change("half", 0.5), Change("large", 10**7), Change("two", 2))
    yield from (Change("list", []), Change("masked", np.ma.masked, hopeless=True), Change("far below", -(10**6)))


def _of_array(value: Any) -> Iterator[Change]:
    array = np.array(value)
    yield from (Change("text", "text", hopeless=True), Change("a number", 3), Change("empty", np.zeros((0,))))
    if array.size:
        place = (0,) * array.ndim

        def with_entry(entry: Any, dtype: Any) -> Any:
            changed = array.astype(dtype)
            changed[place] = entry
            return changed

        yield Change("text entry", with_entry(TEXT, object), hopeless=True)
        yield Change("number as text", with_entry(str(array[place]), object), hopeless=True)
        yield Change("all texts", array.astype(str), hopeless=True)
        yield Change("None entry", with_entry(None, object), hopeless=True)
        if not any(getattr(entry, "free_symbols", None) for entry in array.flat):
            yield Change("NaN entry", with_entry(np.nan, complex if array.dtype.kind in "cO" else float), hopeless=True)
            yield Change("infinite entry", with_entry(np.inf, complex if array.dtype.kind in "cO" else float))
            yield Change("imaginary part", with_entry(complex(array[place]) + 0.25j, complex))
        masked = np.ma.MaskedArray(array, mask=np.zeros(array.shape, dtype=bool))
        masked[place] = np.ma.masked
        yield Change("masked entry", masked, hopeless=True)
        yield from (Change("doubled", 2 * array), Change("negated", -array))
    if array.ndim:
        yield from (Change("row missing", array[:-1]), Change("axis more", array[None]), Change("axis less", array[0]))


def _of_mapping(value: Mapping[Any, Any]) -> Iterator[Change]:
    yield from (Change("text", "text", hopeless=True), Change("number", 7, hopeless=True))
    yield from (Change("keys only", list(value)), Change("empty", {}))
    yield Change("key more", {**value, "no such name": next(iter(value.values()), 0)})
    if value:
        key = next(iter(value))
        rest = {k: v for k, v in value.items() if k != key}
        yield from (Change("key missing", rest), Change("key None", {None: value[key], **rest}))
        yield Change("value None", {**value, key: None}, hopeless=True)
        yield Change("value text", {**value, key: TEXT}, not isinstance(value[key], str))
        yield Change("value NaN", {**value, key: float("nan")})
        if _is_numeric(value[key]):
            yield from (Change(f"value: {c.label}", {**value, key: c.value}, c.hopeless) for c in _of_array(value[key]))


def _of_sequence(value: Any) -> Iterator[Change]:
    items = list(value)
    yield from (Change("number", 7, hopeless=True), Change("text", "text"), Change("empty", ()))
    yield Change("entry None", (*items[:-1], None), hopeless=bool(items))
    yield Change("entry an object", (*items[:-1], object()), hopeless=bool(items))
    yield from (Change("entry number", (*items[:-1], 7)), Change("entry text", (*items[:-1], "no such name")))
    if items:
        yield from (Change("repeated", (*items, items[0])), Change("one missing", tuple(items[1:])))


# --- what a value fulfils --------------------------------------------------------------------------------------------

ROUNDING = 1e-9  # of a probability that should be 0 or 1, a trace, the end of an interval


def floats(value: Any) -> Any:
    """Numbers in floating point; nan for what has free symbols, so that nothing is said of it."""
    array = np.asarray(value)
    if array.dtype == object:
        array = np.array([np.nan if getattr(x, "free_symbols", None) else complex(x) for x in array.flat]).reshape(
            array.shape
        )
    return array.real if array.dtype.kind == "c" and not array.imag.any() else array


def are_probabilities(value: Any) -> bool:
    """Whether numbers lie in [0, 1]; ∗, where there is no probability, may stand for one."""
    if repr(value) == "∗":
        return True
    array = floats(value)
    return array.dtype.kind != "c" and not ((array < -ROUNDING) | (array > 1 + ROUNDING)).any()


def is_law(value: Any, *axes: int) -> bool:
    """Whether numbers are probabilities that sum to one, over some axes or all."""
    sums = floats(value).sum(axes or None)
    return are_probabilities(value) and not (np.abs(sums - 1) > ROUNDING).any()


def are_states(value: Any) -> bool:
    """Whether matrices are Hermitian and positive, of trace one."""
    rho = floats(value)
    if np.isnan(rho).any():
        return True
    adjoint, trace = np.swapaxes(rho, -1, -2).conj(), np.trace(rho, axis1=-2, axis2=-1)
    return bool(
        np.allclose(rho, adjoint, atol=ROUNDING)
        and np.allclose(trace, 1, atol=ROUNDING)
        and (np.linalg.eigvalsh(rho) >= -ROUNDING).all()
    )


def is_ordered(low: Any, high: Any) -> bool:
    """Whether no lower end lies above its upper one."""
    return not (floats(low) > floats(high) + ROUNDING).any()


def is_instrument(instrument: Any) -> bool:
    """Whether the operators of the outcomes add up to a channel."""
    d_out, d_in = instrument.d_out, instrument.d_in
    tau = floats(instrument.channel)
    total = np.einsum("...oiok->...ik", tau.reshape((*tau.shape[:-2], d_out, d_in, d_out, d_in)))
    return bool(np.isnan(total).any() or np.allclose(total, np.eye(d_in), atol=ROUNDING))


def is_process(process: Any) -> bool:
    """Whether the trace is the product of the outgoing dimensions."""
    trace = floats(np.trace(process.array, axis1=-2, axis2=-1))
    return not (np.abs(trace - np.prod([node.d_out for node in process.endogenous])) > ROUNDING).any()


OF_TYPE: dict[str, Callable[[Any], bool]] = {  # the name of a value's type: what holds of the value
    "Answer": lambda v: are_probabilities(v.probability) and are_probabilities(v.evidence),
    "AceBounds": lambda v: is_ordered(v.lower, v.upper),
    "ContextualFraction": lambda v: are_probabilities(v.value),
    "Disambiguation": lambda v: are_probabilities(v.passive.probability),
    "Estimate": lambda v: are_probabilities(v.probability),
    "GainLaw": lambda v: is_law(v.probabilities),
    "HiddenVariableModel": lambda v: v.total != 1 or is_law(v.weights),
    "Instrument": is_instrument,
    "IntervalRegions": lambda v: all(is_ordered(*getattr(v, name)) for name in ("mean", "width")),
    "Phenomenon": lambda v: is_law(v.table, *range(1, v.table.ndim)),
    "ProbabilisticModel": lambda v: is_law(v.law),
    "ProcessOperator": is_process,
    "float": lambda v: not np.isnan(v),
    "ndarray": lambda v: v.dtype.kind not in "fc" or not np.isnan(v).any(),
}
OF_FUNCTION: dict[str, Callable[[Any], bool]] = {  # a pattern of functions' names: what holds of their values
    r"(pure|ghz|werner|random|validate)_state": are_states,
    r"(t_interval|mean_region|acceptance_region|GainLaw\.region|Estimate\.region)": lambda v: is_ordered(*v),
    r"kang_experiments\.law": lambda v: is_law(v, -1, -2),
    r"polytope\.facets": lambda v: all((row[0] + vertices(v.scenario) @ row[1:] >= 0).all() for row in v.rows),
    r"law_of_features": lambda v: is_law(v, -1, -2, -3),
    r"potential_outcomes\.(observed_)?behaviour": lambda v: is_law(v, -3, -2),
    r"(circuit_law|ProcessCircuit\.law|random_law|markov_law|joint_law|poisson_binomial|distribution|marginal)": is_law,
    r"law_(from|of|with)_(?!features).*": is_law,
    r"(accuracy|between|collapse_probability|seeded_collapse|fit_probability|quadratic_form_probability|counterfactual"
    r"|disturbance_p_value|probability|conditional_probability|concurrence|posterior|isotropic"
    r"|Instrument\.weight|Instrument\.strength|QuantumStructuralModel\.weight)": are_probabilities,
}


def broken(name: str, documentation: str, value: Any) -> str:
    """The invariant that a value does not fulfil, or nothing; nan is let pass where the documentation speaks of it."""
    parts = list(value) if isinstance(value, tuple | list) and len(value) < 20 else []
    for part in [value, *parts]:
        kind = type(part).__name__
        numeric = kind in ("float", "ndarray")
        if kind in OF_TYPE and not (numeric and re.search("nan", documentation, re.I)) and not OF_TYPE[kind](part):
            return f"what holds of {kind}"
    for pattern, check in OF_FUNCTION.items():
        if re.search(rf"\b{pattern}$", name) and not check(value):
            return f"what holds of {pattern}"
    return ""


# --- what becomes of it ----------------------------------------------------------------------------------------------


class Slow(BaseException):
    """A call took too long."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a changed call ended: value, refused, documented (another error that its docstring announces), or a failure.

    The failures: answered (a hopeless argument got a value), broken (a value that is not what the documentation says),
    unnamed (a refusal that does not name the argument), other (another exception), slow.
    """

    name: str
    parameter: str
    change: str
    kind: str
    note: str = ""


OPEN: frozenset[str] = frozenset()  # modules in which not every wrong argument is refused by name yet, one a line
FAILURES = ("answered", "broken", "unnamed", "other", "slow")


def outcome(example: Example, parameter: str, change: Change) -> Outcome:
    """How a call with one changed argument ends."""
    where = (example.name, parameter, change.label)
    signal.signal(signal.SIGPROF, _alarm)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            result = example.call({parameter: change.value})
            if inspect.isgenerator(result):
                list(result)
    except Slow:
        return Outcome(*where, "slow")
    except Exception as error:
        note = f"{type(error).__name__}: {error}"[:160]
        documented = type(error).__name__ in (example.function.__doc__ or "") + (inspect.getdoc(example.function) or "")
        if isinstance(error, ValueError | TypeError):
            return Outcome(*where, "refused" if names(error, parameter, change.value) else "unnamed", note)
        return Outcome(*where, "documented" if documented and _raised_here(error) else "other", note)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    documentation = inspect.getdoc(example.function) or ""
    announced = re.search(r"\bnan (if one of them is|stays|is not)|may be nan", documentation) and "NaN" in change.label
    if change.hopeless and not announced:
        return Outcome(*where, "answered")
    note = "" if parameter == "tolerance" else broken(example.name, documentation, result)
    return Outcome(*where, "broken" if note else "value", note)


def _alarm(*_: Any) -> None:
    raise Slow


def names(error: BaseException, parameter: str, value: Any) -> bool:
    """Whether the library itself raised an error, and its message names the argument or shows what is wrong in it."""
    if not _raised_here(error):
        return "unhashable type" in str(error)  # asked of a cache, before the function sees it
    message = str(error).replace("_", " ")
    word = re.escape(parameter.replace("_", " "))
    named = re.search(rf"(?<!\w){word}(?!\w)", message) or re.search(rf"(?<!\w){word.rstrip('s')}(?!\w)", message, re.I)
    shown = len(repr(value)) > 2 and repr(value)[:40].replace("_", " ") in message
    shown = shown or any(
        word in message
        for word in (
            "no such name",
            TEXT.replace("_", " "),
            "nan",
            "None",
            "entry",
            "is no exact number",
            "holds rounded numbers",
        )
    )
    return bool(named or shown) or bool(re.match(r"[^:]{1,60}: ", message))


def _raised_here(error: BaseException) -> bool:
    """Whether a ``raise`` statement of the library raised an error."""
    traceback = error.__traceback__
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    raising = code.co_code[traceback.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    return raising and Path(code.co_filename).is_relative_to(ROOT)


def fuzz(found: Mapping[str, list[Example]], share: float = 1.0, seed: int = 0) -> Iterator[Outcome]:
    """Every change of every argument of every example, or a share of them, chosen by the seed."""
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + BYTES, resource.RLIM_INFINITY))
    try:
        for name, calls in sorted(found.items()):
            rng = random.Random(zlib.crc32(f"{seed} {name}".encode()))
            for example in calls:
                if example.seconds > SECONDS / 4:
                    continue
                for parameter in inspect.signature(example.function).parameters.values():
                    if parameter.name == "self" or parameter.name not in example.arguments:
                        continue
                    for change in changes(example.arguments[parameter.name], _spelt_out(parameter, example.function)):
                        if rng.random() < share:
                            yield outcome(example, parameter.name, change)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _spelt_out(parameter: inspect.Parameter, function: Callable[..., Any]) -> inspect.Parameter:
    """A parameter with what the name of its annotation stands for, if that is a text such as "str | None"."""
    alias = getattr(function, "__globals__", {}).get(str(parameter.annotation))
    return parameter.replace(annotation=alias) if isinstance(alias, str) else parameter


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _module(name: str) -> str:
    return ".".join(name.split(".")[:2])


def table(outcomes: list[Outcome]) -> str:
    """Calls by module and how they ended."""
    kinds = ("value", "refused", "documented", *FAILURES)
    counts = Counter((_module(o.name), o.kind) for o in outcomes)
    rows = [("module", "calls", *kinds)]
    for module in [*sorted({_module(o.name) for o in outcomes}), "all"]:
        row = [sum(n for (m, k), n in counts.items() if k == kind and module in (m, "all")) for kind in kinds]
        rows.append((module, str(sum(row)), *map(str, row)))
    return "\n".join(f"{row[0]:36}" + "".join(f"{cell:>11}" for cell in row[1:]) for row in rows)


def main(arguments: list[str]) -> None:
    """Print the table; for modules that are named, the failures."""
    every = modules() + modules(book=True)
    chosen = [m for m in every if {short(m), *short(m).split(".")} & set(arguments)] if arguments else modules()
    start = time.perf_counter()
    with redirect_stderr(io.StringIO()):
        found = examples(chosen)
    harvested = time.perf_counter()
    outcomes = list(fuzz(found))
    missing = [
        name for module in chosen for name, _, _, member in public(module) if not found.get(name) and _takes(member)
    ]
    if arguments:
        for o in outcomes:
            if o.kind in FAILURES:
                print(f"{o.kind:9} {o.name}({o.parameter}: {o.change}) {o.note}")
    print(table(outcomes))
    print(f"no example: {', '.join(missing) or 'none'}")
    print(f"{harvested - start:.1f} s for the examples, {time.perf_counter() - harvested:.1f} s for the calls")


def _takes(member: Any) -> bool:
    function = member.__func__ if isinstance(member, classmethod) else member
    return len(set(inspect.signature(function).parameters) - {"self", "cls"}) > 0


if __name__ == "__main__":
    main(sys.argv[1:])
