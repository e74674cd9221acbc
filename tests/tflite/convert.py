"""Write the TensorFlow Lite files of this folder by litert-torch, in an environment of its own.

python -m pip install torch==2.13.0 litert-torch==0.10.0 "pydantic<2.12" onnx onnxruntime
PYTHONPATH=.:src python -m tests.tflite.convert

litert-torch pins xdsl, and that an older typing_extensions than the project's pydantic takes.
"""

from __future__ import annotations

import torch

from tests.tflite.files import FAMILIES, module, path, samples


def main() -> None:
    import litert_torch

    for name in FAMILIES:
        example = tuple(map(torch.from_numpy, samples(name, 1)))
        litert_torch.convert(module(name), example).export(str(path(name)))


if __name__ == "__main__":
    main()
