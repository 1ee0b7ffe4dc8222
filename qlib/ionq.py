"""Jobs on IonQ's machines and simulators, through qiskit-ionq: quoted, confirmed, recorded, resumed.

A *campaign* is a list of circuits that run under one label. Each circuit is one job, and each job one JSON file below
the campaign's folder, written before the job is submitted, when it is accepted and when its counts have returned. A
campaign that was interrupted goes on where it stopped when it is run again: what has returned is read, what is under
way is waited for, and only the rest is quoted, confirmed and submitted.

The key is read from the environment variable IONQ_API_KEY and handed to the provider; it is written nowhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from qlib.circuits import native

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

Counts = NDArray[np.int64]
KEY, URL = "IONQ_API_KEY", "IONQ_API_URL"


class HardwareError(RuntimeError):
    """A job could not be quoted, submitted or read; the message says which, and what can be done."""


class JobPendingError(HardwareError):
    """The time allowed for waiting is over; the job goes on, and running the campaign again resumes it."""


class DeclinedError(HardwareError):
    """The quote was not confirmed: nothing was submitted."""


@dataclass(frozen=True)
class Quote:
    """What a campaign will cost: jobs that are to be submitted, shots of each, and the vendor's own estimate."""

    backend: str
    jobs: int
    shots: int
    cost: float
    unit: str

    def __str__(self) -> str:
        return f"{self.jobs} jobs of {self.shots} shots on {self.backend}: estimated cost {self.cost:g} {self.unit}"


def ask(quote: Quote) -> bool:
    """Show a quote on the terminal and ask for a yes; no terminal is a no."""
    try:
        return input(f"{quote}. Type yes to submit: ").strip().lower() == "yes"
    except EOFError:
        return False


@dataclass(frozen=True)
class Job:
    """The record of one circuit's job, as it is kept in its file.

    state : "submitting" (the request may or may not have arrived), "submitted", "returned".
    counts, probabilities : by outcome, classical bit 0 first.
    """

    backend: str
    gateset: str
    noise_model: str
    shots: int
    circuit: str
    program: str  # OpenQASM 3
    state: Literal["submitting", "submitted", "returned"] = "submitting"
    id: str | None = None
    submitted: str | None = None
    returned: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    probabilities: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class IonQ:
    """IonQ's simulator ("ionq_simulator") or a machine ("ionq_qpu.aria-1", …): a backend, see `qlib.backends`.

    folder : where campaigns are kept. label : this campaign's. confirm : is shown the quote, says whether to submit.
    gateset : "qis" leaves compilation to IonQ, "native" compiles here. noise_model : of the simulator, "ideal" or a
    machine's name. timeout, wait : seconds to wait for a job in all, and between two looks at it.
    Error mitigation is off: counts are as the machine gave them.
    """

    name: str
    folder: Path
    label: str
    confirm: Callable[[Quote], bool] = ask
    gateset: Literal["qis", "native"] = "qis"
    noise_model: str = "ideal"
    timeout: float = 3600.0
    wait: float = 5.0

    def run(self, circuits: Sequence[QuantumCircuit], shots: int, rng: np.random.Generator) -> list[Counts]:
        """Counts of each circuit, shape (2,)·bits, bit k on axis k; from files as far as they are there.

        rng : seeds the sampling of the ideal simulator, which returns probabilities.
        Raises `HardwareError` or one of its kinds; ``ValueError`` for a circuit that measures in its midst.
        """
        for circuit in circuits:
            _require_terminal_measurements(circuit)
        jobs = [self._job(circuit, shots) for circuit in circuits]
        places = [self._file(index, job) for index, job in enumerate(jobs)]
        jobs = [_read(place) or job for place, job in zip(places, jobs, strict=True)]
        if all(job.state == "returned" for job in jobs):
            return [_array(job, circuit) for job, circuit in zip(jobs, circuits, strict=True)]
        for job, place in zip(jobs, places, strict=True):
            if job.state == "submitting" and place.exists():
                raise HardwareError(
                    f"{place.name}: it is not known whether this job was accepted. Look for it among your jobs; if it "
                    "is there, write its id and the state 'submitted' into the file; if not, delete the file"
                )
        backend = self._backend()
        fresh = [k for k, place in enumerate(places) if not place.exists()]
        if fresh and not self.confirm(quote := self._quote(backend, [circuits[k] for k in fresh], shots)):
            raise DeclinedError(f"not confirmed, nothing was submitted: {quote}")
        for k in fresh:
            jobs[k] = self._submit(backend, circuits[k], jobs[k], places[k], int(rng.integers(2**31)))
        for k, job in enumerate(jobs):
            jobs[k] = job if job.state == "returned" else self._collect(backend, job, places[k])
        return [_array(job, circuit) for job, circuit in zip(jobs, circuits, strict=True)]

    def _job(self, circuit: QuantumCircuit, shots: int) -> Job:
        from qiskit import qasm3

        return Job(self.name, self.gateset, self.noise_model, shots, circuit.name, qasm3.dumps(circuit))

    def _file(self, index: int, job: Job) -> Path:
        identity = json.dumps([job.backend, job.gateset, job.noise_model, job.shots, job.program])
        return self.folder / self.label / f"{index:03d}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.json"

    def _backend(self) -> Any:
        from qiskit_ionq import IonQProvider
        from qiskit_ionq.exceptions import IonQTranspileLevelWarning

        if not (key := os.environ.get(KEY)):
            raise HardwareError(f"{self.name}: set {KEY} in the environment; without a key nothing can be submitted")
        with _understood(self.name), warnings.catch_warnings():
            # the provider recommends an optimisation level for `transpile`, which is not called on its target
            warnings.simplefilter("ignore", IonQTranspileLevelWarning)
            warnings.filterwarnings("error", message="Failed to get qubits")  # else it would guess their number
            return IonQProvider(token=key, url=os.environ.get(URL)).get_backend(self.name, gateset=self.gateset)

    def _quote(self, backend: Any, circuits: Sequence[QuantumCircuit], shots: int) -> Quote:
        """The vendor's estimate; simulators are free."""
        if self.name == "ionq_simulator":
            return Quote(self.name, len(circuits), shots, 0.0, "USD")
        cost = 0.0
        units: set[str] = set()
        for circuit in circuits:
            gates = native(circuit).count_ops()
            with _understood(f"{self.name}: quote"):
                estimate = backend.client.estimate_job(
                    backend=self.name, oneq_gates=gates.get("gpi", 0) + gates.get("gpi2", 0),
                    twoq_gates=gates.get("ms", 0), qubits=circuit.num_qubits, shots=shots,
                )  # fmt: skip
            if not isinstance(estimate.cost, int | float):
                raise HardwareError(f"{self.name}: the reply to a request for a quote names no cost; nothing submitted")
            cost, units = cost + estimate.cost, units | {str(estimate.cost_unit)}
        return Quote(self.name, len(circuits), shots, cost, "/".join(sorted(units)))

    def _submit(self, backend: Any, circuit: QuantumCircuit, job: Job, place: Path, seed: int) -> Job:
        from qiskit_ionq import ErrorMitigation
        from qiskit_ionq.exceptions import IonQAPIError

        options = {"shots": job.shots, "sampler_seed": seed, "noise_model": self.noise_model}
        if self.name != "ionq_simulator":
            options["error_mitigation"] = ErrorMitigation.NO_DEBIASING
        _write(place, job)
        try:
            with _understood(f"{self.name}: submission of {circuit.name}"):
                accepted = backend.run(native(circuit) if self.gateset == "native" else circuit, **options)
        except HardwareError as error:
            if isinstance(cause := error.__cause__, IonQAPIError) and 400 <= cause.status_code < 500:
                place.unlink()  # the server refused it, so there is no such job
            raise
        job = replace(job, state="submitted", id=accepted.job_id(), submitted=_now())
        _write(place, job)
        return job

    def _collect(self, backend: Any, job: Job, place: Path) -> Job:
        """Wait for a job, keep its counts."""
        from qiskit.providers import JobStatus

        deadline, what = time.monotonic() + self.timeout, f"{self.name}: job {job.id} ({job.circuit})"
        while True:
            trouble = "it is still under way"
            try:
                with _understood(what):
                    remote = backend.retrieve_job(job.id)
                    if remote.status() == JobStatus.DONE:
                        result = remote.result(wait=self.wait)
                        break
            except _UnreachableError as error:
                trouble = str(error)
            except HardwareError as error:
                raise HardwareError(f"{error}. If the job is lost, delete {place.name} to submit it again") from error
            if time.monotonic() + self.wait > deadline:
                raise JobPendingError(f"{what}: {trouble}. Run the campaign again to resume")
            time.sleep(self.wait)
        job = replace(job, state="returned", returned=_now(), **_counts(result, job, what))
        _write(place, job)
        return job


class _UnreachableError(HardwareError):
    """The server did not answer, or said that it is busy: worth another try."""


@contextmanager
def _understood(what: str) -> Iterator[None]:
    """Turn whatever the provider raises into a `HardwareError` that says what was tried.

    The provider retries for ever, and says so by a warning: here that warning ends the attempt, so that time limits
    hold and a submission whose answer was lost is not repeated.
    """
    from qiskit.exceptions import QiskitError
    from requests import RequestException

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Retrying|Unable to retrieve result")
            yield
    except HardwareError:
        raise
    except UserWarning as warning:
        if not str(warning).startswith("Retrying"):
            raise HardwareError(f"{what}: {warning}") from warning
        raise _UnreachableError(f"{what}: no answer ({str(warning).splitlines()[0]})") from warning
    except (QiskitError, RequestException) as error:
        raise HardwareError(f"{what}: {type(error).__name__}: {getattr(error, 'message', error)}") from error
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise HardwareError(f"{what}: the reply could not be understood ({type(error).__name__}: {error})") from error


def _counts(result: Any, job: Job, what: str) -> dict[str, Any]:
    """Counts and probabilities of a result, classical bit 0 first; refused if they do not add up to the shots."""
    with _understood(what):
        counts = {key.replace(" ", "")[::-1]: int(n) for key, n in result.get_counts().items()}
        probabilities = {key[::-1]: float(p) for key, p in result.data()["probabilities"].items()}
    if sum(counts.values()) != job.shots or min(counts.values()) < 0:
        raise HardwareError(f"{what}: counts {counts} should add up to {job.shots} shots")
    return {"counts": counts, "probabilities": probabilities}


def _array(job: Job, circuit: QuantumCircuit) -> Counts:
    counts = np.zeros((2,) * circuit.num_clbits, dtype=np.int64)
    for outcome, n in job.counts.items():
        counts[tuple(map(int, outcome.ljust(circuit.num_clbits, "0")))] += n
    return counts


def _require_terminal_measurements(circuit: QuantumCircuit) -> None:
    finished: set[Any] = set()
    for instruction in circuit.data:
        name = instruction.operation.name
        if name in ("reset", "if_else", "while_loop", "for_loop", "switch_case") or finished & set(instruction.qubits):
            raise ValueError(
                f"{circuit.name}: {name!r} in its midst; circuits for IonQ should measure at their end only"
            )
        if name == "measure":
            finished |= set(instruction.qubits)


def _read(place: Path) -> Job | None:
    if not place.exists():
        return None
    try:
        return Job(**json.loads(place.read_text(encoding="utf-8")))
    except (TypeError, json.JSONDecodeError) as error:
        raise HardwareError(f"{place}: this record of a job cannot be read ({error})") from error


def _write(place: Path, job: Job) -> None:
    """Replace the file at one stroke: an interruption leaves the old one or the new one."""
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_suffix(".part")
    draft.write_text(json.dumps(asdict(job), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(place)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
