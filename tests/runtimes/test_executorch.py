from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from executorch.extension.pybindings import _C

from quantbench.artifacts.artifact import Artifact
from quantbench.errors import ArtifactError
from quantbench.export.to_executorch import LARGEST
from quantbench.runtimes import executorch as runtime
from quantbench.tasks.task import Task


def test_more_images_than_the_bound_are_given_in_parts(
    artifacts: Callable[[str, str, str], Artifact], task: Task
) -> None:
    inputs = np.resize(task.test.inputs()[0], (LARGEST + 3, *task.network.inputs[0].shape))
    predict = runtime.load(artifacts("lenet", "float32", "executorch"), 1)
    whole = predict(inputs)
    assert whole.shape == (LARGEST + 3, 10)
    np.testing.assert_allclose(predict(inputs[-3:]), whole[-3:], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("threads", [2, 1])
def test_its_pool_has_as_many_threads_as_asked(
    artifacts: Callable[[str, str, str], Artifact], threads: int
) -> None:
    runtime.load(artifacts("lenet", "float32", "executorch"), threads)
    assert _C._threadpool_get_thread_count() == threads


@pytest.mark.parametrize("kept", [0, 100, -40_000])
def test_a_damaged_file_is_refused_in_one_line(
    artifacts: Callable[[str, str, str], Artifact],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    kept: int,
) -> None:
    data = (artifacts("lenet", "float32", "executorch").folder / "model.pte").read_bytes()
    (tmp_path / "model.pte").write_bytes(data[:kept])
    with pytest.raises(ArtifactError, match=r"ExecuTorch can't load .*model\.pte: ") as caught:
        runtime.load(cast(Artifact, SimpleNamespace(folder=tmp_path)), 1)
    assert len(str(caught.value).splitlines()) == 1
    assert capfd.readouterr() == ("", "")
