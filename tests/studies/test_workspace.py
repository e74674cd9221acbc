"""The folder of a study: what must be writable, what is swept, and what a killed run leaves."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantbench.errors import StorageError, UnavailableError, WorkerError
from quantbench.harness.worker import Request, Session
from quantbench.studies.workspace import workspace
from quantbench.tasks.network import TensorSpec
from tests.cli.test_app import FAST, Call, call, children, gone, wait_for  # noqa: F401
from tests.process import python, start
from tests.progress import Recorded
from tests.small_study import run, steps
from tests.studies.test_pipeline import stub_workers

MEASURE = ("-m", "tests.tiny_cli", "measure", "dynamic", "--runtime", "torch", *FAST)


def measuring(tmp_path: Path) -> subprocess.Popen[str]:
    """A study with two workers, in the middle of its measurements."""
    (tmp_path / "tmp").mkdir(exist_ok=True)
    child = start(
        *MEASURE, cwd=tmp_path, QUANTBENCH_TEST_SECONDS="600", TMPDIR=str(tmp_path / "tmp")
    )
    out = tmp_path / "results"
    wait_for(lambda: len(list(out.glob("evaluations/[!.]*"))) == 2, child)
    return child


def test_a_killed_run_leaves_nothing_outside_its_folder_and_the_next_sweeps_that(
    tmp_path: Path,
) -> None:
    child = measuring(tmp_path)
    workers = children(child.pid)
    assert len(workers) == 2
    child.kill()
    child.communicate()
    wait_until_gone(workers)
    assert [path for path in (tmp_path / "tmp").rglob("*") if not path.is_dir()] == []
    scratch = tmp_path / "results" / ".scratch"
    assert sum(path.stat().st_size for path in scratch.rglob("*")) > 100_000
    before = steps(tmp_path / "results")

    done = python(*MEASURE, cwd=tmp_path, TMPDIR=str(tmp_path / "tmp"))
    assert done.returncode == 0, done.stderr
    assert not scratch.exists()
    after = steps(tmp_path / "results")
    assert {name: after[name] for name in before} == before


def wait_until_gone(workers: set[int]) -> None:
    for pid in workers:
        subprocess.run(["tail", f"--pid={pid}", "-f", "/dev/null"], timeout=60, check=True)
    assert gone(workers)


def test_a_closed_terminal_ends_a_run_as_ctrl_c_does(tmp_path: Path) -> None:
    child = measuring(tmp_path)
    workers = children(child.pid)
    child.send_signal(signal.SIGHUP)
    _, err = child.communicate(timeout=300)
    assert child.returncode == 130, err
    assert "Traceback" not in err
    assert err.splitlines()[-1] == "stopped; the next run goes on from the last finished step"
    assert gone(workers)
    assert not (tmp_path / "results" / ".scratch").exists()
    assert [path for path in (tmp_path / "tmp").rglob("*") if not path.is_dir()] == []


def test_what_runs_under_nohup_goes_on(tmp_path: Path) -> None:
    code = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); " + (
        "import sys; sys.argv = ['quantbench', 'list']; from quantbench.cli import app, overview; "
        "overview.list_plugins = lambda **_: print(repr(signal.getsignal(signal.SIGHUP))); "
        "app.main()"
    )
    done = python("-c", code, cwd=tmp_path)
    assert "SIG_IGN" in done.stdout, done.stderr


@pytest.mark.parametrize("step", ["checkpoints", "artifacts", "evaluations", "timings"])
@pytest.mark.parametrize(
    "block", [Path.touch, os.mkfifo, lambda path: path.symlink_to("/proc/self")],
    ids=["file", "fifo", "read-only"],
)  # fmt: skip
def test_a_folder_that_takes_no_step_is_named_before_anything_is_done(
    tmp_path: Path, step: str, block: Callable[[Path], object]
) -> None:
    block(tmp_path / step)
    before = {path.name for path in tmp_path.iterdir()} | {".lock"}
    with pytest.raises(StorageError, match=f"cannot write to {tmp_path / step}: "):
        run(tmp_path, "dynamic", fresh=True)
    assert {path.name for path in tmp_path.iterdir()} == before


def test_fresh_empties_a_folder_that_lies_on_another_disk(tmp_path: Path) -> None:
    out, other = tmp_path / "results", tmp_path / "disk" / "artifacts"
    (other / "static-torch-0123456789ab").mkdir(parents=True)
    outside = tmp_path / "kept"
    outside.mkdir()
    (outside / "file").touch()
    (other / "link").symlink_to(outside)
    out.mkdir()
    (out / "artifacts").symlink_to(other)
    with workspace(out, fresh=True) as space:
        assert list(space.artifacts.iterdir()) == []
    assert (out / "artifacts").is_symlink()
    assert (outside / "file").is_file()


def test_times_that_can_not_be_kept_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_workers(monkeypatch)

    def full(*arguments: object) -> None:
        raise StorageError("cannot write to timings: No space left on device")

    monkeypatch.setattr("quantbench.harness.timing.save", full)
    progress = Recorded()
    done = run(tmp_path, "dynamic", runtimes=("torch",), progress=progress)
    assert [row.method for row in done.results.rows] == ["float32", "dynamic"]
    assert (
        "these times are not kept for the next run: cannot write to timings" in progress.lines[-1]
    )


def test_results_that_can_not_be_written_are_shown(
    call: Call,  # noqa: F811  # the fixture
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stub_workers(monkeypatch)
    (tmp_path / "results" / "results.json").mkdir(parents=True)
    said = call("run", "--method", "dynamic", "--runtime", "torch", *FAST)
    assert said.code == 1
    assert "\nTimes: µs an image" in said.out
    assert "dynamic" in said.out
    last = said.err.splitlines()[-1]
    assert last.startswith("error: cannot write to results: Is a directory")


def test_answers_that_can_not_be_written_are_no_fault_of_the_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/dev/full takes nothing, as a full disk does."""
    (tmp_path / "output-0.npy").symlink_to("/dev/full")
    session = Session()
    monkeypatch.setattr(session, "_ready", lambda: lambda inputs: inputs[:, 0, 0])
    monkeypatch.setattr(session, "_inputs", (np.zeros((2, 1, 1, 10), "float32"),))
    session._outputs = (TensorSpec(name="logits", shape=(10,)),)
    answer = session.answer(Request(do="predict", batch=2, out=str(tmp_path)))
    assert os.strerror(errno.ENOSPC) in str(answer["unwritten"])


def test_no_runtime_that_works_is_said_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(UnavailableError, match="no chosen runtime works here: c99: no C compiler"):
        run(tmp_path, "dynamic", runtimes=("c99",))
    assert list(tmp_path.iterdir()) == []


def test_a_method_is_skipped_with_the_reason_of_the_runtime_that_would_take_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub_workers(monkeypatch)
    monkeypatch.setenv("CC", "no-such-compiler")
    found = run(tmp_path, "ort_dynamic", "dynamic", runtimes=("c99", "torch")).results
    reasons = {(s.method, s.runtime): s.reason for s in found.skipped}
    assert reasons["ort_dynamic", "*"].startswith(
        "what accepts its format (onnx) doesn't work here: c99: no C compiler found; install gcc"
    )
    assert [row.method for row in found.rows] == ["float32", "dynamic"]


def test_nothing_is_timed_without_float32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stub_workers(monkeypatch, float32_on_torch_does_load="killed by SIGKILL")
    monkeypatch.setattr("quantbench.harness.measure.time_all", None)
    with pytest.raises(
        WorkerError, match=r"could not run on any runtime: torch: killed by SIGKILL"
    ):
        run(tmp_path, "dynamic", runtimes=("torch",))
