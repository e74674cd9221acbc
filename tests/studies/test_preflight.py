"""The preflight of whole tasks: what stops a study, what is said of methods, and the estimate."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from quantbench.errors import UsageError
from quantbench.results.metric import metric_named
from quantbench.results.records import Interval
from quantbench.samples.records import Samples
from quantbench.studies import preflight
from quantbench.studies.capabilities import Capability, capabilities
from quantbench.studies.choose import choose_methods, choose_runtimes
from quantbench.studies.expected import Figure, unexpected
from quantbench.studies.options import Options
from quantbench.studies.preflight import check
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.network_layers import network_layers
from quantbench.tasks.task import Task
from tests import small_study
from tests.tasks.checks.case import evidence, labels, network, pixels, samples, small
from tests.tasks.exported import exported

QUICK = Options(
    methods=("float32", "dynamic", "static"),
    runtimes=("onnxruntime", "torch"),
    schedule=small_study.SCHEDULE,
)
DOCS = Path(__file__).parents[2] / "docs" / "checks.md"


def classifiable() -> Task:
    """A task that a linear network solves: the class is the brightest of five pixels."""
    arrays = {"calibration": pixels(200, 1, 3, 4, 4), "test": pixels(300, 2, 3, 4, 4)}
    calibration, test = (
        Samples(name, (array,), array.reshape(len(array), -1)[:, :5].argmax(1).astype(np.int64))
        for name, array in arrays.items()
    )
    net = network(Brightest(), (3, 4, 4))
    return Task(net, "generated", calibration, test, metric="accuracy")


class Brightest(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pick = nn.Linear(48, 5, bias=False)
        with torch.no_grad():
            self.pick.weight.zero_().fill_diagonal_(1)

    def forward(self, image: Tensor) -> Tensor:
        return self.pick(image.flatten(1))


def test_nothing_looks_wrong_with_a_good_task() -> None:
    found = check(classifiable(), QUICK)
    assert found.diagnostics == ()
    assert not found.stopped
    found.require()
    assert [layer.macs for layer in found.layers] == [240]
    assert found.samples == {"calibration": 200, "test": 300}
    assert found.float_figure is not None
    assert found.float_figure.value == 1


def test_a_task_that_can_not_run_says_so_first() -> None:
    task = evidence(test=samples("test", pixels(200, 1, 4, 4, 3))).task
    found = check(task, QUICK)
    assert found.stopped
    assert found.layers == ()
    assert [diagnostic.code for diagnostic in found.diagnostics] == ["input-shape"]
    with pytest.raises(UsageError, match="move the last axis"):
        found.require()


class Failing(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        raise ValueError(f"no such place in {image.ndim} axes")


def test_a_network_that_fails_on_its_samples_stops_a_study() -> None:
    found = check(evidence(Failing()).task, QUICK)
    (diagnostic,) = found.diagnostics
    assert diagnostic.code == "network-fails"
    assert diagnostic.stops
    assert diagnostic.sentence.endswith("ValueError: no such place in 4 axes")


def test_the_metric_is_held_against_what_is_expected() -> None:
    task = classifiable()
    expecting = QUICK.model_copy(update={"expect": 0.93})
    assert [d.code for d in check(task, expecting).diagnostics] == ["unexpected-metric"]
    right = QUICK.model_copy(update={"expect": 1.0})
    assert check(task, right).diagnostics == ()


@pytest.mark.parametrize(("expected", "count"), [(0.9, 0), (0.93, 0), (0.95, 1), (0.85, 1)])
def test_a_figure_within_its_interval_is_as_expected(expected: float, count: int) -> None:
    figure = Figure(Interval(value=0.91, low=0.89, high=0.93, how="Wilson"))
    assert len(list(unexpected(metric_named("accuracy"), figure, expected))) == count


def test_a_metric_that_does_not_suit_the_outputs_is_named() -> None:
    regression = classifiable()
    targets = pixels(300, 3, 5)
    spoilt = replace(regression, test=replace(regression.test, targets=targets))
    (found,) = check(spoilt, QUICK).diagnostics
    assert found.code == "metric-unusable"
    assert "accuracy" in found.sentence
    fitting = check(replace(spoilt, metric="mean_squared_error"), QUICK)
    assert fitting.diagnostics == ()
    assert fitting.float_figure is not None
    assert fitting.float_figure.low is not None
    assert fitting.float_figure.low < fitting.float_figure.value


def test_where_no_metric_is_obvious_one_has_to_be_named() -> None:
    task = classifiable()
    spoilt = replace(task, metric="", test=replace(task.test, targets=pixels(300, 3, 7)))
    found = check(spoilt, QUICK)
    assert found.diagnostics[0].code == "no-metric"
    assert found.stopped
    assert "choose one" in found.diagnostics[0].remedy
    assert check(replace(task, metric=""), QUICK).metric == "accuracy"


def test_several_faults_are_all_told() -> None:
    module = nn.Sequential(small(), nn.Softmax(1)).train()
    shared = pixels(200, 1, 3, 4, 4)
    task = evidence(
        module,
        calibration=samples("calibration", shared, targets=np.zeros(200, np.int64)),
        test=samples("test", shared[:50], targets=labels(50) + 1),
        handed=nn.Sequential(nn.Dropout()).train(),
    )
    codes = {d.code for d in check(task.task, QUICK, handed=task.handed).diagnostics}
    assert codes >= {
        "train-mode", "one-class", "shared-samples", "few-samples", "labels-out-of-range",
        "probabilities",
    }  # fmt: skip


def test_an_untrained_network_is_not_judged_by_its_answers(task: Task) -> None:
    assert check(task, QUICK).diagnostics == ()


def test_every_code_is_documented() -> None:
    """And every documented one exists: the sources of checks are searched for them."""
    package = Path(preflight.__file__).parents[1]
    sources = [*(package / "tasks/checks").glob("*.py"), *(package / "studies").glob("*.py")]
    written = {
        line.split('"')[1]
        for path in sources
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith('code="')
    }
    table = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    assert {line.split("`")[1] for line in table} == written
    assert len(written) > 15


def chosen_capabilities(net: Network, *names: str) -> dict[str, Capability]:
    methods, runtimes = choose_methods(names, {}), choose_runtimes(("onnxruntime", "torch"))
    return {c.method: c for c in capabilities(methods, runtimes, net, network_layers(net))}


def test_methods_say_what_they_are_known_to_quantize() -> None:
    convolution = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(8, 5)).eval()
    found = chosen_capabilities(
        network(convolution, (3, 4, 4)), "dynamic", "static", "xnnpack_static"
    )
    dynamic, static = found["dynamic"], found["static"]
    assert (dynamic.quantizes, dynamic.tries) == (("Linear",), ("Conv2d",))
    assert (static.quantizes, static.tries) == (("Conv2d", "Linear"), ())
    assert static.runtimes == ("torch",)
    assert found["float32"].tries == ()
    assert found["xnnpack_static"].reason == ("no chosen runtime accepts its format (executorch)")


def test_a_network_that_is_a_file_is_for_few_methods(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(48, 5)).eval()
    exported(module, tmp_path / "m.onnx", 3, 4, 4)
    net = Network(
        "m", (TensorSpec(name="input", shape=(3, 4, 4)),), (TensorSpec(name="scores", shape=(5,)),),
        "0", no_module="m.onnx is no PyTorch module", onnx=tmp_path / "m.onnx",
    )  # fmt: skip
    found = chosen_capabilities(net, "static", "ort_static")
    assert found["static"].reason == "m.onnx is no PyTorch module"
    assert found["ort_static"].quantizes == ("Gemm",)
    assert found["float32"].reason is None


def test_the_estimate_is_near_what_a_small_study_takes(tmp_path: Path) -> None:
    """Within a factor of 10 either way: the study trains its network too, on a busy machine."""
    options = {"methods": ("dynamic", "static"), "runtimes": ("onnxruntime", "torch")}
    start = time.perf_counter()
    study = small_study.run(tmp_path, *options["methods"])
    taken = time.perf_counter() - start
    asked = Options(schedule=small_study.SCHEDULE, **options)
    found = check(study.task, asked).estimate
    assert found is not None
    assert found.rows == len(study.results.rows)
    assert 0.1 < found.seconds / taken < 10
    assert found.memory_bytes > 4 * study.results.parameters


def test_a_longer_schedule_is_estimated_longer() -> None:
    task = classifiable()
    brief = check(task, QUICK).estimate
    thorough = check(task, QUICK.model_copy(update={"schedule": Options(full=True).schedule}))
    assert brief is not None
    assert thorough.estimate is not None
    assert thorough.estimate.timing_seconds > 3 * brief.timing_seconds
    # The largest batch is the same: it is all of the test samples.
    assert thorough.estimate.memory_bytes == brief.memory_bytes
