"""Networks of c99_against as TensorFlow Lite files, by litert-torch in an environment of its own.

    python -m pip install torch==2.13.0 litert-torch==0.10.0 "pydantic<2.12" onnx onnxruntime
    PYTHONPATH=.:src python -m benchmarks.to_tflite FOLDER NETWORK ...

NETWORK is a name that c99_against takes, such as `resnet-18`. Each file is FOLDER/NETWORK.tflite.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from tests.families.catalogue import FAMILIES
from tests.families.fit import fitted


def main(folder: str, *names: str) -> None:
    import litert_torch

    Path(folder).mkdir(parents=True, exist_ok=True)
    families = {family.name.lower().replace(" ", "-"): family for family in FAMILIES}
    for name in names:
        arrays, _ = families[name].samples(1.0, 1, 1)
        example = tuple(map(torch.from_numpy, arrays))
        network = fitted(families[name], 1.0, 0)
        litert_torch.convert(network, example).export(str(Path(folder) / f"{name}.tflite"))


if __name__ == "__main__":
    main(*sys.argv[1:])
