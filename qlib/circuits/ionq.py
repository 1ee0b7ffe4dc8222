"""Jobs on IonQ's machines and simulators, through qiskit-ionq: quoted, confirmed, recorded, resumed.

A *campaign* is a list of circuits that run under one label. Each circuit is one job, and each job one JSON file below
the campaign's folder, written before the job is submitted, when it is accepted and when its counts have returned. A
campaign that was interrupted goes on where it stopped when it is run again: what has returned is read, what is under
way is waited for, and only the rest is quoted, confirmed and submitted. One process at a time runs a campaign; the
system frees the lock of one that crashed.

A job may cost money, so a request to submit one is sent once. Its record is removed only on an answer that proves that
there is no such job. Where the answer was lost nobody can know; `settle` then writes down what you found yourself.

The key is read from the environment variable IONQ_API_KEY and handed to the provider; it is written nowhere, and cut
out of everything that the server says.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import quote

import numpy as np

from qlib.circuits.circuits import Counts, native

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

KEY, URL = "IONQ_API_KEY", "IONQ_API_URL"
_T = TypeVar("_T")
# answers to a submission that prove that no job was made; 408, 409, 425 and every 5xx prove nothing
REFUSALS = frozenset({400, 401, 402, 403, 404, 405, 413, 415, 422, 429})
BUSY = frozenset({408, 409, 425, 429, 500, 502, 503, 504, *range(520, 530)})  # answers after which one may ask again
SENT_ROUNDING = 1e-6  # what a sum of probabilities, as they are sent, may differ from one by


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
    """IonQ's simulator ("ionq_simulator") or a machine ("ionq_qpu.aria-1", …): a backend, see `qlib.circuits.backends`.

    folder : where campaigns are kept. label : this campaign's, a plain name. confirm : is shown the quote, says whether
    to submit. gateset : "qis" leaves compilation to IonQ, "native" compiles here. noise_model : of the simulator,
    "ideal" or a machine's name. timeout : seconds for one job, from its submission in this run or the first look at
    it, whatever the server does. wait : seconds between two looks. A longer wait that the server asks for is kept.
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

    def __post_init__(self) -> None:
        for name, text in (("name", self.name), ("label", self.label), ("noise_model", self.noise_model)):
            if not isinstance(text, str) or not text.strip() or text in (".", "..") or set(text) & set("/\\\0"):
                raise ValueError(f"{name}={text!r}: should be a plain name, without slashes")
        if self.gateset not in ("qis", "native"):
            raise ValueError(f"gateset={self.gateset!r}: should be 'qis' or 'native'")
        for name, seconds in (("timeout", self.timeout), ("wait", self.wait)):
            if isinstance(seconds, bool) or not isinstance(seconds, Real) or not 0 < seconds < math.inf:
                raise ValueError(f"{name}={seconds!r}: should be a positive number of seconds")

    def run(self, circuits: Sequence[QuantumCircuit], shots: int, rng: np.random.Generator) -> list[Counts]:
        """Counts of each circuit, shape (2,)·bits, bit k on axis k; from files as far as they are there.

        rng : seeds the sampling of the ideal simulator, which returns probabilities.
        Raises `HardwareError` or one of its kinds; ``ValueError`` for a circuit that measures in its midst, or shots
        that are no positive whole number.
        """
        if isinstance(shots, bool) or not isinstance(shots, Integral) or shots < 1:
            raise ValueError(f"shots={shots!r}: should be a whole number, at least 1")
        for circuit in circuits:
            _require_terminal_measurements(circuit)
        with _only_process(self.folder / self.label):
            jobs = self._complete(circuits, int(shots), rng)
        return [_array(job, circuit) for job, circuit in zip(jobs, circuits, strict=True)]

    def _complete(self, circuits: Sequence[QuantumCircuit], shots: int, rng: np.random.Generator) -> list[Job]:
        jobs = [self._job(circuit, shots) for circuit in circuits]
        places = [self._file(index, job) for index, job in enumerate(jobs)]
        jobs = [_read(place, job) or job for place, job in zip(places, jobs, strict=True)]
        for job, place in zip(jobs, places, strict=True):
            if job.state == "submitting" and place.exists():
                raise HardwareError(
                    f"{place.name}: it is not known whether this job was accepted. Look for a job named "
                    f"{self._tag(place)!r} among yours; then settle({str(place)!r}, id), or "
                    f"settle({str(place)!r}, None) if there is none"
                )
        if all(job.state == "returned" for job in jobs):
            return jobs
        backend = self._backend()
        fresh = [k for k, place in enumerate(places) if not place.exists()]
        if fresh and not self.confirm(offer := self._quote(backend, [circuits[k] for k in fresh], shots)):
            raise DeclinedError(f"not confirmed, nothing was submitted: {offer}")
        for k in fresh:
            jobs[k] = self._submit(backend, circuits[k], jobs[k], places[k], int(rng.integers(2**31)))
        for k, job in enumerate(jobs):
            if job.state != "returned":
                jobs[k] = self._collect(backend, circuits[k], job, places[k])
        return jobs

    def _job(self, circuit: QuantumCircuit, shots: int) -> Job:
        from qiskit import qasm3

        return Job(self.name, self.gateset, self.noise_model, shots, circuit.name, qasm3.dumps(circuit))

    def _file(self, index: int, job: Job) -> Path:
        identity = json.dumps([job.backend, job.gateset, job.noise_model, job.shots, job.program])
        return self.folder / self.label / f"{index:03d}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.json"

    def _tag(self, place: Path) -> str:
        """The job's name at the vendor's: by it one finds the job of a record."""
        return f"{self.label}/{place.stem}"

    def _backend(self) -> Any:
        if not (key := os.environ.get(KEY)):
            raise HardwareError(f"{self.name}: set {KEY} in the environment; without a key nothing can be submitted")

        from qiskit_ionq import IonQProvider  # a slow import, which is not to count as waiting

        def connect() -> Any:
            backend = IonQProvider(token=key, url=os.environ.get(URL)).get_backend(self.name, gateset=self.gateset)
            backend._client = _asking_once(backend.client)
            return backend

        with warnings.catch_warnings():
            # the provider recommends an optimisation level for `transpile`, which is not called on its target
            warnings.filterwarnings("ignore", category=UserWarning, message=".*optimization_level")
            warnings.filterwarnings("error", message="Failed to get qubits")  # else it would guess their number
            return _call(self.name, self.timeout, connect)

    def _quote(self, backend: Any, circuits: Sequence[QuantumCircuit], shots: int) -> Quote:
        """The vendor's estimate; simulators are free."""
        if self.name == "ionq_simulator":
            return Quote(self.name, len(circuits), shots, 0.0, "USD")
        cost = 0.0
        units: set[str] = set()
        for circuit in circuits:
            gates = native(circuit).count_ops()
            one, two = gates.get("gpi", 0) + gates.get("gpi2", 0), gates.get("ms", 0)
            estimate = _call(
                f"{self.name}: quote",
                self.timeout,
                partial(
                    backend.client.estimate_job,
                    backend=self.name,
                    oneq_gates=one,
                    twoq_gates=two,
                    qubits=circuit.num_qubits,
                    shots=shots,
                ),
            )
            if not _is_number(estimate.cost) or not 0 <= estimate.cost < math.inf:
                raise HardwareError(
                    f"{self.name}: the reply to a request for a quote names the cost {estimate.cost!r}, "
                    "which should be a number from 0 on; nothing submitted"
                )
            cost, units = cost + estimate.cost, units | {str(estimate.cost_unit)}
        return Quote(self.name, len(circuits), shots, cost, "/".join(sorted(units)))

    def _submit(self, backend: Any, circuit: QuantumCircuit, job: Job, place: Path, seed: int) -> Job:
        from qiskit_ionq import ErrorMitigation

        options = {"shots": job.shots, "sampler_seed": seed, "noise_model": self.noise_model, "name": self._tag(place)}
        if self.name != "ionq_simulator":
            options["error_mitigation"] = ErrorMitigation.NO_DEBIASING
        program = native(circuit) if self.gateset == "native" else circuit
        what, deadline = f"{self.name}: submission of {circuit.name}", time.monotonic() + self.timeout
        _write(place, job)
        while True:
            try:
                accepted = _call(what, deadline - time.monotonic(), lambda: backend.run(program, **options))
                break
            except _ReplyError as error:
                if error.status not in REFUSALS:
                    raise
                if error.status != 429 or not _paused(max(error.retry_after, self.wait), deadline):
                    place.unlink()
                    raise
        if not isinstance(accepted.job_id(), str) or not accepted.job_id():
            raise HardwareError(f"{what}: the reply could not be understood (it names the job {accepted.job_id()!r})")
        job = replace(job, state="submitted", id=accepted.job_id(), submitted=_now())
        _write(place, job)
        return job

    def _collect(self, backend: Any, circuit: QuantumCircuit, job: Job, place: Path) -> Job:
        """Wait for a job, keep its counts."""
        from qiskit.providers import JobStatus

        deadline, what = time.monotonic() + self.timeout, f"{self.name}: job {job.id} ({job.circuit})"

        backend.client.check = lambda histogram: _require_histogram(histogram, circuit.num_qubits, what)

        def look() -> Any:
            remote = backend.retrieve_job(job.id)
            return remote.result(wait=self.wait) if remote.status() == JobStatus.DONE else remote.status()

        told = ""  # what the server said last, if it said anything
        while True:
            trouble, pause = "it is still under way", self.wait
            try:
                found = _call(what, deadline - time.monotonic(), look)
                if found == JobStatus.CANCELLED:
                    raise _EndedError(f"{what}: was cancelled")
                if not isinstance(found, JobStatus):
                    break
            except _EndedError as error:
                raise HardwareError(
                    f"{error}. To submit it again, and pay again, settle({str(place)!r}, None)"
                ) from None
            except _ReplyError as error:
                if error.status is not None and error.status not in BUSY:
                    raise HardwareError(f"{error}. {_advice(error.status)} The record is kept") from None
                trouble, pause = str(error).removeprefix(f"{what}: "), max(pause, error.retry_after)
                if error.status is not None:
                    told = trouble
                elif told:
                    trouble = f"{told}, then {trouble}"
            if not _paused(pause, deadline):
                raise JobPendingError(f"{what}: {trouble}. Run the campaign again to resume")
        kept = _counts(found, job, what)
        job = replace(job, state="returned", returned=_now(), **kept)
        _write(place, job)
        return job


def settle(place: str | Path, id: str | None) -> None:
    """Say what became of a job whose record stands at `place`: its id at the vendor's, or None if there is no job.

    With an id the next run of the campaign waits for that job; without one the record is removed, and the next run
    submits the circuit again. Raises `HardwareError` for a file that is no record, or one whose counts are there.
    """
    place = Path(place)
    if not (id is None or (isinstance(id, str) and id.strip())):
        raise ValueError(f"id={id!r}: should be the job's id, or None if there is no such job")
    with _only_process(place.parent):
        job = _read(place, None)
        if job is None:
            raise HardwareError(f"{place}: there is no such record")
        if job.state == "returned":
            raise HardwareError(f"{place.name}: its counts are there; nothing is to be settled")
        if id is None:
            place.unlink()
        else:
            _write(place, replace(job, state="submitted", id=id.strip(), submitted=job.submitted or _now()))


def _advice(status: int) -> str:
    if status in (401, 403):
        return f"The server does not accept the key in {KEY}: it may belong to another account than the job."
    if status == 404:
        return (
            f"The server does not know this job: is {URL} the server, and the key in {KEY} of the account, it is from?"
        )
    return "Run the campaign again later."


def _paused(seconds: float, deadline: float) -> bool:
    """Sleep, unless the deadline is nearer; whether there was time."""
    if time.monotonic() + seconds > deadline:
        return False
    time.sleep(seconds)
    return True


# --- one request, one answer, in time --------------------------------------------------------------------------------


class _ReplyError(HardwareError):
    """No answer in time (status None), or one that is an error; after how many seconds one may ask again."""

    def __init__(self, message: str, status: int | None = None, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


class _EndedError(HardwareError):
    """The job ended without a result."""


def _asking_once(client: Any) -> Any:
    """The provider's client without its loops of retries: they know no deadline, and would submit twice.

    What the server sends as probabilities is given to `check` before the provider makes counts of it.
    """
    plain = type(client)

    class Once(plain):  # type: ignore[misc,valid-type]
        check: Callable[[Any], None]
        submit_job = plain.submit_job.__wrapped__
        retrieve_job = plain.retrieve_job.__wrapped__

        def get_results(self, *arguments: Any, **options: Any) -> Any:
            histogram = plain.get_results.__wrapped__(self, *arguments, **options)
            self.check(histogram)
            return histogram

    client.__class__ = Once
    return client


def _call(what: str, seconds: float, request: Callable[[], _T]) -> _T:
    """What the provider returns, in time; whatever it raises becomes a `HardwareError` that says what was tried.

    The request runs in a thread that is left behind when the time is over: a socket's own time limit starts anew with
    every byte that drips in. Nothing of the provider's exception is kept but its text, without the key.
    """
    outcome: list[Any] = []

    def attempt() -> None:
        try:
            outcome.append((True, request()))
        except BaseException as error:
            outcome.append((False, error))

    worker = threading.Thread(target=attempt, daemon=True)
    worker.start()
    worker.join(max(seconds, 0.0))
    if not outcome:
        raise _ReplyError(f"{what}: no answer within the time allowed")
    succeeded, result = outcome[0]
    if succeeded:
        return result  # type: ignore[no-any-return]
    raise _understood(what, result)


def _understood(what: str, error: BaseException) -> BaseException:
    """The exception that tells a user what the provider's means; programming errors and interrupts stay as they are."""
    from qiskit.exceptions import QiskitError
    from qiskit_ionq.exceptions import IonQAPIError, IonQJobFailureError, IonQJobStateError, IonQRetriableError
    from requests import RequestException

    cause = error._cause if isinstance(error, IonQRetriableError) else error
    said = _without_key(f"{what}: {type(cause).__name__}: {getattr(cause, 'message', cause)}")
    if isinstance(cause, IonQAPIError):
        return _ReplyError(f"{said} (status {cause.status_code})", cause.status_code, _retry_after(cause.headers))
    if isinstance(error, IonQRetriableError):
        return _ReplyError(f"{what}: no answer ({type(cause).__name__})")
    if isinstance(error, IonQJobFailureError | IonQJobStateError):
        return _EndedError(said)
    if isinstance(error, QiskitError | RequestException | UserWarning):
        return HardwareError(said)
    if isinstance(error, KeyError | ValueError | TypeError | AttributeError | IndexError | AssertionError):
        return HardwareError(
            _without_key(f"{what}: the reply could not be understood ({type(error).__name__}: {error})")
        )
    return error


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds to wait, from a Retry-After header: a number or a date; 0 where there is none that can be read."""
    text = str(headers.get("Retry-After", "")).strip()
    try:
        seconds = (
            float(text) if text[:1].isdigit() else (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        )
    except (ValueError, TypeError):
        return 0.0
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0


def _without_key(text: str) -> str:
    """A text in which the key, plain or encoded for an address, a header or JSON, is replaced by its name."""
    key = os.environ.get(KEY, "")
    encoded = [base64.b64encode(form.encode()).decode().rstrip("=") for form in (key, f"apiKey {key}", f"{key}:")]
    for form in sorted({key, quote(key, safe=""), json.dumps(key)[1:-1], *encoded}, key=len, reverse=True):
        text = text.replace(form, f"<{KEY}>") if key and form else text
    return text


def _counts(result: Any, job: Job, what: str) -> dict[str, Any]:
    """Counts and probabilities of a result, classical bit 0 first; refused if they do not add up to the shots."""
    try:
        counts = {key.replace(" ", "")[::-1]: int(n) for key, n in result.get_counts().items()}
        probabilities = {key.replace(" ", "")[::-1]: float(p) for key, p in result.data()["probabilities"].items()}
    except Exception as error:
        raise _understood(what, error) from None
    if sum(counts.values()) != job.shots or min(counts.values()) < 0:
        raise HardwareError(f"{what}: counts {counts} should add up to {job.shots} shots")
    return {"counts": counts, "probabilities": probabilities}


def _require_histogram(histogram: Any, qubits: int, what: str) -> None:
    """Refuse an answer that is no law on the outcomes of so many qubits, numbered from 0."""
    if not isinstance(histogram, Mapping) or not histogram:
        raise HardwareError(f"{what}: the reply could not be understood (no probabilities by outcome)")
    for outcome, probability in histogram.items():
        if not (isinstance(outcome, str) and outcome.isdecimal() and int(outcome) < 2**qubits):
            raise HardwareError(_without_key(f"{what}: outcome {outcome!r} is none of {qubits} qubits"))
        if not _is_number(probability) or not 0 <= probability <= 1 + SENT_ROUNDING:
            raise HardwareError(_without_key(f"{what}: outcome {outcome!r} has the probability {probability!r}"))
    if abs((total := math.fsum(histogram.values())) - 1) > SENT_ROUNDING:
        raise HardwareError(f"{what}: the probabilities add up to {total:g}, not to 1")


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


# --- records ---------------------------------------------------------------------------------------------------------


@contextmanager
def _only_process(campaign: Path) -> Iterator[None]:
    """Hold a campaign's lock; the system frees that of a process that has crashed."""
    import fcntl

    campaign.mkdir(parents=True, exist_ok=True)
    with (campaign / "lock").open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HardwareError(f"{campaign}: another process is running this campaign; run it again later") from None
        yield


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


def _read(place: Path, wanted: Job | None) -> Job | None:
    """The record at a place, None if there is none; refused if it is damaged, or not of the job that is `wanted`."""
    if not place.exists():
        return None
    try:
        job = Job(**json.loads(place.read_text(encoding="utf-8")))
        _require_sound(job)
    except (TypeError, ValueError, AttributeError) as error:
        raise HardwareError(f"{place}: this record of a job cannot be read ({error})") from None
    if wanted is not None and (job.program, job.shots, job.backend) != (wanted.program, wanted.shots, wanted.backend):
        raise HardwareError(f"{place}: this is the record of another job")
    return job


def _require_sound(job: Job) -> None:
    if job.state not in ("submitting", "submitted", "returned"):
        raise ValueError(f"state {job.state!r}")
    if job.state != "submitting" and not (isinstance(job.id, str) and job.id):
        raise ValueError(f"state {job.state!r} with the id {job.id!r}")
    if job.state == "returned":
        if not all(isinstance(n, int) and n >= 0 and set(key) <= {"0", "1"} for key, n in job.counts.items()):
            raise ValueError(f"counts {job.counts}")
        if sum(job.counts.values()) != job.shots:
            raise ValueError(f"counts that add up to {sum(job.counts.values())}, not to {job.shots} shots")


def _write(place: Path, job: Job) -> None:
    """Replace the file at one stroke and for good: whatever happens meanwhile leaves the old one or the new one."""
    draft = place.with_suffix(".part")
    with draft.open("w", encoding="utf-8") as file:
        file.write(json.dumps(asdict(job), indent=1, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
