"""Load the task that is named on the command line."""

from __future__ import annotations

from pathlib import Path

import torch

from quantbench import plugins
from quantbench.contracts import ModelModule
from quantbench.data import preprocess_sha256
from quantbench.samples.shared import preparation_sha256
from quantbench.system.fingerprint import fingerprint
from quantbench.system.progress import NO_PROGRESS, Progress
from quantbench.system.store import key
from quantbench.tasks.network import Network, TensorSpec
from quantbench.tasks.task import Task

_INPUT, _OUTPUT = "input", "logits"


def load_task(
    model: str,
    data: str,
    *,
    data_dir: Path | None = None,
    offline: bool = False,
    progress: Progress = NO_PROGRESS,
) -> Task:
    """The task of a model and a data set, both by name, with its data loaded.

    Raises UnknownNameError, and DataFileError, DataUnavailableError or StorageError as `load` does.
    """
    network = untrained(model)
    data_set = plugins.data_set(data)
    splits = data_set.load(data_dir, offline=offline, log=progress.log)
    spec = data_set.spec
    return Task(
        network=network,
        data=data,
        train=splits.train,
        calibration=splits.calibration,
        test=splits.test,
        classes=data_set.classes or splits.test.classes,
        preprocessing_sha256=(
            preprocess_sha256(spec) if spec else preparation_sha256(splits.calibration)
        ),
        reader=data if spec else "",
    )


def untrained(name: str) -> Network:
    """The untrained network of a model plug-in. Raises UnknownNameError."""
    module, source = plugins.model(name), plugins.source("models", name)
    return Network(
        name=name,
        inputs=(TensorSpec(name=_INPUT, shape=module.INPUT_SHAPE),),
        outputs=(TensorSpec(name=_OUTPUT, shape=_output_shape(module)),),
        sha256=key({"code": {**fingerprint(source)}}),
        make_module=module.build,
        sources=(source,),
        untrained=True,
    )


def _output_shape(module: ModelModule) -> tuple[int, ...]:
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        network = module.build().eval()
        return tuple(network(torch.zeros(1, *module.INPUT_SHAPE)).shape[1:])
