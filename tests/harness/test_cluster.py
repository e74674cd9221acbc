"""Rows that a Dask cluster predicts: the same outputs, and a line for all that goes wrong."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("distributed", reason="the extra 'cluster' isn't installed")

from distributed import LocalCluster

from quantbench.artifacts.artifact import Artifact
from quantbench.errors import UnavailableError, WorkerError, WorkerLostError
from quantbench.harness import cluster as module
from quantbench.harness.cluster import Cluster, connected
from quantbench.harness.deadline import NO_LIMIT
from quantbench.harness.errand import Errand, run_errand
from quantbench.harness.measure import Measured, measure
from quantbench.harness.pool import Candidate, Job
from quantbench.runtimes.null import Null, save_null
from quantbench.studies.named import runtime_named
from quantbench.system.machine import environment
from quantbench.tasks.task import Task
from tests.small_study import SCHEDULE, run

pytestmark = pytest.mark.filterwarnings("default")  # Dask's own, of versions of its libraries


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The scheduler of a cluster of two processes."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as local:
        yield local.scheduler_address


@pytest.fixture
def cluster(address: str) -> Iterator[Cluster]:
    with connected(address) as cluster:
        assert cluster is not None
        yield cluster


def job_in(folder: Path, task: Task) -> Job:
    folder.mkdir(exist_ok=True)
    return Job(
        task=task,
        threads=(1,),
        schedule=SCHEDULE,
        machine=environment(),
        evaluations=folder / "evaluations",
        timings=folder / "timings",
        scratch=folder,
    )


def null_rows(folder: Path, **nulls: Null) -> list[Candidate]:
    runtime = runtime_named("null")
    return [Candidate(save_null(folder, name, null), runtime) for name, null in nulls.items()]


def measured(task: Task, folder: Path, cluster: Cluster | None, artifact: Artifact) -> Measured:
    return measure(
        job_in(folder, task), [Candidate(artifact, runtime_named("torch"))], cluster=cluster
    )


def test_outputs_are_those_of_this_machine(
    task: Task, artifacts: Any, tmp_path: Path, cluster: Cluster
) -> None:
    float32 = artifacts("lenet", "float32", "state_dict")
    here = measured(task, tmp_path / "here", None, float32)
    there = measured(task, tmp_path / "there", cluster, float32)
    np.testing.assert_array_equal(there.outputs[0][0], here.outputs[0][0])
    assert there.outputs[0][0].shape == (len(task.test), 10)
    assert len(there.timings[0].latency) == len(here.timings[0].latency)  # timed here
    (stored,) = (tmp_path / "there" / "evaluations").iterdir()
    assert (tmp_path / "here" / "evaluations" / stored.name).is_dir()  # under the same key


def test_a_row_that_fails_over_there_is_lost_alone(
    task: Task, tmp_path: Path, cluster: Cluster
) -> None:
    rows = null_rows(tmp_path, float32=Null(), bad=Null(fault="killed", after=1))
    result = measure(job_in(tmp_path, task), rows, cluster)
    assert [candidate.artifact.body.method for candidate in result.candidates] == ["float32"]
    assert [(row.method, row.reason) for row in result.skipped] == [
        ("bad", "was killed by SIGKILL, probably for memory")
    ]


def test_a_worker_of_the_cluster_that_is_lost_is_stood_in_for(
    task: Task, tmp_path: Path, cluster: Cluster
) -> None:
    """One that is killed while it predicts: the scheduler has another do it."""
    (row,) = null_rows(tmp_path, float32=Null(image_us=2e4))  # 4 s
    job = job_in(tmp_path, task)
    predict, folder = cluster.prediction(job), tmp_path / "outputs"
    folder.mkdir()
    running = threading.Thread(target=predict, args=(row, folder, NO_LIMIT))
    running.start()
    client = cluster._client
    victim = ""
    until = time.monotonic() + 30
    while not victim and time.monotonic() < until:
        victim = next((name for name, keys in client.processing().items() if keys), "")
    assert victim
    os.kill(client.run(os.getpid)[victim], signal.SIGKILL)
    running.join(timeout=120)
    assert not running.is_alive()
    assert np.load(folder / "output-0.npy").shape == (len(task.test), 10)


def test_what_is_lost_on_every_worker_is_said_in_a_line(
    task: Task, tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kill(*arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(module, "run_errand", kill)
    (row,) = null_rows(tmp_path, float32=Null())
    predict = cluster.prediction(job_in(tmp_path, task))
    with pytest.raises(WorkerLostError, match=r"the workers .* were lost, 3 times in a row"):
        predict(row, tmp_path, NO_LIMIT)


def test_a_scheduler_that_is_not_there_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CONNECTING", 1.0)
    with (
        pytest.raises(UnavailableError, match=r"no scheduler answers at tcp://127.0.0.1:9; start"),
        connected("tcp://127.0.0.1:9"),
    ):
        pass


def test_another_version_on_a_worker_is_said_before_anything_is_sent(
    address: str,
) -> None:
    class Client:
        def wait_for_workers(self, *_: object, **__: object) -> None: ...

        def run(self, *_: object, **__: object) -> dict[str, object]:
            return {"tcp://10.0.0.1:1": "9.9.9"}

    with pytest.raises(
        UnavailableError, match=r"worker tcp://10.0.0.1:1 has quantbench 9.9.9; install quantbench "
    ):
        module._require_same_version(Client(), address)


def errand_of(task: Task, folder: Path) -> tuple[Errand, dict[str, bytes]]:
    job = job_in(folder, task)
    (row,) = null_rows(folder, float32=Null())
    samples = dict(module._sample_files(job))
    hashes = {name: module.hashlib.sha256(content).hexdigest() for name, content in samples.items()}
    return module._errand(job, row, hashes, NO_LIMIT), samples


def test_what_arrives_changed_is_refused(task: Task, tmp_path: Path) -> None:
    errand, samples = errand_of(task, tmp_path)
    spoilt = {name: content[:-1] + b"\xff" for name, content in samples.items()}
    assert "isn't what was sent: its SHA-256 differs" in str(run_errand(errand, spoilt).error)
    edited = replace(errand, artifact=errand.artifact | {"null.json": b"{}"})
    assert "is not the file that was saved" in str(run_errand(edited, samples).error)
    outside = replace(errand, artifact=errand.artifact | {"../null.json": b"{}"})
    assert run_errand(outside, samples).error == "'../null.json' is no plain file name"


def test_a_library_of_another_version_there_is_named(task: Task, tmp_path: Path) -> None:
    errand, samples = errand_of(task, tmp_path)
    older = replace(errand, depends_on=errand.depends_on | {"versions": {"quantbench": "0.0.1"}})
    assert run_errand(older, samples).error == (
        "a worker of the cluster has other versions than this machine, and answers depend on "
        f"them: quantbench {environment().versions['quantbench']}, not 0.0.1"
    )


def test_outputs_that_are_no_arrays_of_the_network_are_refused(task: Task, tmp_path: Path) -> None:
    job = job_in(tmp_path, task)
    with pytest.raises(WorkerError, match=r"the cluster gave nothing, not"):
        module._write_outputs(job, {}, tmp_path)
    with pytest.raises(WorkerError, match=r"output-0.npy, which is no array"):
        module._write_outputs(job, {"output-0.npy": b"\x80\x04."}, tmp_path)


def test_a_whole_study_runs_with_a_cluster(tmp_path: Path, address: str) -> None:
    done = run(tmp_path, "dynamic", runtimes=("torch",), cluster=address)
    assert [row.name for row in done.results.rows] == ["float32 on torch", "dynamic on torch"]
    assert done.results.skipped == ()
