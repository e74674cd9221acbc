"""The same predictions on other machines: a Dask cluster, to which whole errands are sent.

An errand is plain data: the bytes of the artifact's folder and of the samples' files, their
hashes, and requests in JSON. A machine of the cluster checks them, starts a worker process of ours
and gives the bytes of its answers back, so no disk is shared. Dask pickles what it sends: a cluster
is to be trusted as this machine is.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import tempfile
import threading
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from quantbench.errors import (
    OutOfTimeError,
    UnavailableError,
    WorkerError,
    WorkerLostError,
    cause,
)
from quantbench.harness.arrays import read_array
from quantbench.harness.deadline import Deadline
from quantbench.harness.errand import Answer, Errand, Files, content_of, run_errand, write
from quantbench.harness.pool import (
    Candidate,
    Job,
    Prediction,
    load_request,
    whole_split,
    write_samples,
)
from quantbench.harness.worker import OUTPUT
from quantbench.system.extras import why_missing
from quantbench.system.files import writing

_CONNECTING = 15.0
"""Seconds to wait for a scheduler, and for its first worker."""
_POLL = 10.0
"""Seconds after which a cluster is asked whether it has workers still."""
_TRIES = 3
"""How often an errand is sent that its workers are lost with."""
_MAX_SAMPLES = 4 * 2**30
"""Bytes of test samples: each worker of the cluster holds them in memory."""


class Cluster:
    """A connection to a scheduler at `address`, made by `connected`."""

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self._address = address

    @property
    def threads(self) -> int:
        """The rows that the cluster's workers predict at a time."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def prediction(self, job: Job) -> Prediction:
        """Send the test samples, and return what predicts them with a candidate over there.

        Raises UnavailableError where they are too large to be sent, StorageError.
        """
        files = _sample_files(job)
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
        sent = _Sent(self._client, files)

        def predict(candidate: Candidate, folder: Path, deadline: Deadline) -> None:
            for _ in range(_TRIES):
                if not deadline.left:
                    raise OutOfTimeError(deadline.reason)
                errand = _errand(job, candidate, hashes, deadline)
                future = self._client.submit(run_errand, errand, sent.future(), pure=False)
                if (answer := self._answer(future, deadline)) is not None:
                    break
            else:
                raise WorkerLostError(
                    f"the workers of the cluster that predicted it were lost, {_TRIES} times in a "
                    "row, probably for memory"
                )
            if answer.error is not None:
                raise WorkerError(answer.error)
            _write_outputs(job, answer.files, folder)

        return predict

    def _answer(self, future: Any, deadline: Deadline) -> Answer | None:
        """Wait for an answer; None where the workers that had the errand were lost.

        Raises OutOfTimeError, and WorkerLostError where the cluster itself is lost.
        """
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        polls_without_workers = 0
        while True:
            try:
                answer: Answer = future.result(timeout=min(_POLL, deadline.left))
            except TimeoutError:
                if not deadline.left:
                    future.cancel()
                    raise OutOfTimeError(deadline.reason) from None
                lost = not self._client.nthreads()
                polls_without_workers = polls_without_workers + 1 if lost else 0
                if polls_without_workers > 1:
                    future.cancel()
                    raise WorkerLostError(_no_worker_left(self._address)) from None
            except KilledWorker:
                return None
            except FutureCancelledError:  # a worker with the samples was lost, or the scheduler
                if self._client.status == "running":
                    return None
                raise WorkerLostError(
                    f"the connection to the cluster at {self._address} was lost"
                ) from None
            except Exception as error:
                raise WorkerLostError(f"the cluster raised {cause(error)}") from error
            else:
                return answer


class _Sent:
    """The files of the samples on every worker of a cluster, sent again where they were lost."""

    def __init__(self, client: Any, files: Files) -> None:
        self._client = client
        self._files = files
        self._lock = threading.Lock()
        self._future: Any = None

    def future(self) -> Any:
        """The files, as an argument of a task. Raises WorkerLostError where no worker is left."""
        with self._lock:
            if self._future is None or self._future.status != "finished":
                try:
                    (self._future,) = self._client.scatter(
                        [self._files], broadcast=True, hash=False
                    )
                except TimeoutError:
                    address = self._client.scheduler.address
                    raise WorkerLostError(_no_worker_left(address)) from None
            return self._future


def _no_worker_left(address: str) -> str:
    return f"no worker of the cluster at {address} is left; start one: dask worker {address}"


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Cluster | None]:
    """Hold a connection to the scheduler at `address`; None without one.

    Raises UnavailableError where no scheduler answers, it has no workers, or these have another
    version of quantbench.
    """
    if address is None:
        yield None
        return
    if reason := why_missing("distributed", "cluster"):
        raise UnavailableError(reason)
    from distributed import Client

    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what fails is told in a line
    try:
        client = Client(address, timeout=_CONNECTING, set_as_default=False)
    except (OSError, TimeoutError):
        raise UnavailableError(
            f"no scheduler answers at {address}; start one: dask scheduler"
        ) from None
    with client:
        _require_same_version(client, address)
        yield Cluster(client, address)


def _require_same_version(client: Any, address: str) -> None:
    """Raise UnavailableError for a cluster without workers, or with those of another version."""
    try:
        client.wait_for_workers(1, timeout=_CONNECTING)
    except TimeoutError:
        raise UnavailableError(
            f"the scheduler at {address} has no workers; start one: dask worker {address}"
        ) from None
    here = metadata.version("quantbench")
    found = client.run(metadata.version, "quantbench", on_error="return")
    for worker, version in found.items():
        if version != here:
            has = f"has quantbench {version}" if isinstance(version, str) else "has no quantbench"
            raise UnavailableError(f"worker {worker} {has}; install quantbench {here} there")


def _sample_files(job: Job) -> Files:
    """The inputs of the test samples, as workers read them."""
    with writing(job.scratch), tempfile.TemporaryDirectory(dir=job.scratch) as parent:
        folder = Path(parent) / "samples"
        write_samples(folder, job.task.test)
        size = sum(path.stat().st_size for path in folder.iterdir())
        if size > _MAX_SAMPLES:
            raise UnavailableError(
                f"the test samples have {size / 2**30:.1f} GB, and a cluster is sent up to "
                f"{_MAX_SAMPLES / 2**30:.0f}; run without --cluster, or test on fewer"
            )
        return content_of(folder)


def _errand(job: Job, candidate: Candidate, samples: dict[str, str], deadline: Deadline) -> Errand:
    return Errand(
        name=candidate.name,
        runtime=candidate.runtime.name,
        threads=job.threads[0],
        timeout=job.schedule.timeout,
        seconds=deadline.left,
        artifact=content_of(candidate.artifact.folder),
        artifact_sha256=candidate.artifact.sha256,
        samples=samples,
        load=load_request(job, candidate, job.threads[0]).model_dump_json(),
        predict=whole_split(job, Path()).model_dump_json(),
        depends_on=candidate.inputs(job.machine),
    )


def _write_outputs(job: Job, files: Files, folder: Path) -> None:
    """Write the files of the outputs, once each is an array of what the network should give."""
    specs = {f"{OUTPUT}-{n}.npy": spec for n, spec in enumerate(job.task.network.outputs)}
    if files.keys() != specs.keys():
        raise WorkerError(f"the cluster gave {', '.join(files) or 'nothing'}, not {[*specs]}")
    with writing(folder.parent):
        write(files, folder)
    for name, spec in specs.items():
        try:
            array = read_array(folder / name)
        except ValueError as error:
            raise WorkerError(f"the cluster gave {name}, which is no array") from error
        expected = (len(job.task.test), *spec.shape)
        if array.shape != expected or array.dtype != spec.dtype:
            raise WorkerError(
                f"the cluster gave {array.dtype} {list(array.shape)}, not {spec.dtype} "
                f"{list(expected)}"
            )
