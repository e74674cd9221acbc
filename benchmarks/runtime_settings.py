"""What a setting of a runtime is worth: two settings of one runtime, timed in turn.

    python -m benchmarks.runtime_settings [--batches 1 64 1000] [--rounds 40] [--runtimes NAME ...]
                                          [--tflite tests/tflite/ds_cnn.tflite]

The network is DS-CNN of tests/families in float32, on one thread. The first setting of a pair is
the one that src/quantbench/runtimes uses. In each round both are called as often as fills some
milliseconds; the ratio is of the second's time to the first's, paired by round, with the 95 %
interval of its median. A TensorFlow Lite file that takes one batch alone is timed at that.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.paired import line
from quantbench.export import to_executorch, to_mnn, to_ncnn, to_onnx
from quantbench.system.silence import silenced_natively
from quantbench.tasks.network import Network
from quantbench.tasks.source import load_network
from tests.families import ds_cnn
from tests.families.fit import fitted

ROOT = Path(__file__).parents[1]
Floats = NDArray[np.float32]
Call = Callable[[], object]
Make = Callable[[Path, Floats], Call]
"""A folder of models and a batch -> the call that is to be timed."""
_SECONDS = 5e-3
"""The time that the calls of a round should take."""


def ort_session(folder: Path) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(folder / to_onnx.MODEL, options, providers=["CPUExecutionProvider"])


def ort_run(folder: Path, inputs: Floats) -> Call:
    session = ort_session(folder)
    given = {session.get_inputs()[0].name: inputs}
    return lambda: session.run(None, given)


def ort_bound(folder: Path, inputs: Floats) -> Call:
    session = ort_session(folder)
    (answer,) = ort_run(folder, inputs)()  # type: ignore[misc]
    binding = session.io_binding()
    binding.bind_cpu_input(session.get_inputs()[0].name, inputs)
    name = session.get_outputs()[0].name
    binding.bind_output(name, "cpu", 0, np.float32, answer.shape, answer.ctypes.data)
    return lambda: (session.run_with_iobinding(binding), answer)


def openvino_hint(hint: str) -> Make:
    def make(folder: Path, inputs: Floats) -> Call:
        import openvino

        core = openvino.Core()
        model = core.read_model(folder / to_onnx.MODEL)
        model.reshape(inputs.shape)
        options = {
            "INFERENCE_NUM_THREADS": 1,
            "PERFORMANCE_HINT": hint,
            "INFERENCE_PRECISION_HINT": "f32",
            "ENABLE_CPU_PINNING": False,
        }
        request = core.compile_model(model, "CPU", options).create_infer_request()
        memory, output = request.get_input_tensor(0).data, request.get_output_tensor(0).data

        def call() -> object:
            np.copyto(memory, inputs)
            request.infer()
            return output.copy()

        return call

    return make


def executorch(*, clone: bool) -> Make:
    def make(folder: Path, inputs: Floats) -> Call:
        import torch
        from executorch.extension.pybindings import _C

        _C._unsafe_reset_threadpool(1)
        program = _C._load_program(str(folder / to_executorch.MODEL))
        method = program.load_method("forward")
        given = [torch.from_numpy(inputs)]
        if clone:
            return lambda: (program, method.call(given, clone_outputs=True)[0].numpy())
        return lambda: (program, method.call(given, clone_outputs=False)[0].numpy().copy())

    return make


def torch_layout(*, channels_last: bool) -> Make:
    def make(folder: Path, inputs: Floats) -> Call:  # noqa: ARG001 - as the others
        import torch

        torch.set_num_threads(1)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        module = fitted(ds_cnn.FAMILY, 1.0, 0).to(memory_format=layout)
        given = torch.from_numpy(inputs).contiguous(memory_format=layout)

        def call() -> object:
            with torch.inference_mode():
                return module(given).numpy()

        return call

    return make


def litert(*, xnnpack: bool = True, view: bool = False) -> Make:
    def make(folder: Path, inputs: Floats) -> Call:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        kernels = (
            OpResolverType.AUTO if xnnpack else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        path = str(folder / "model.tflite")
        interpreter = Interpreter(path, num_threads=1, experimental_op_resolver_type=kernels)
        place = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(place, inputs.shape)
        interpreter.allocate_tensors()
        output = interpreter.get_output_details()[0]["index"]

        def call() -> object:
            if view:
                np.copyto(interpreter.tensor(place)(), inputs)
            else:
                interpreter.set_tensor(place, inputs)
            interpreter.invoke()
            return interpreter.get_tensor(output)

        return call

    return make


def ncnn(**options: bool) -> Make:
    def make(folder: Path, inputs: Floats) -> Call:
        import ncnn as library

        net = library.Net()
        net.opt.num_threads = 1
        for name, value in options.items():
            setattr(net.opt, name, value)
        net.load_param(str(folder / to_ncnn.PARAM))
        net.load_model(str(folder / to_ncnn.WEIGHTS))

        def one(sample: Floats) -> Floats:
            with net.create_extractor() as extractor:
                extractor.input("in0", library.Mat(sample))
                return np.array(extractor.extract("out0")[1])

        return lambda: [one(sample) for sample in inputs]

    return make


def mnn(*, shape_mutable: bool, precision: str = "high") -> Make:
    def make(folder: Path, inputs: Floats) -> Call:
        import MNN

        options = {"backend": "CPU", "numThread": 1, "precision": precision, "memory": "high"}
        manager = MNN.nn.create_runtime_manager((options,))
        module = MNN.nn.load_module_from_file(
            str(folder / to_mnn.MODEL), [], [],
            runtime_manager=manager, shape_mutable=shape_mutable,
        )  # fmt: skip
        variable = MNN.expr.placeholder(list(inputs.shape), MNN.expr.NCHW, MNN.expr.float)

        def call() -> object:
            variable.write(inputs)
            output = module.forward([variable])
            return np.array((output[0] if isinstance(output, list) else output).read())

        return call

    return make


PAIRS: dict[str, tuple[tuple[str, Make], tuple[str, Make]]] = {
    "onnxruntime": (("run", ort_run), ("inputs and outputs bound", ort_bound)),
    "openvino": (
        ("LATENCY", openvino_hint("LATENCY")),
        ("THROUGHPUT", openvino_hint("THROUGHPUT")),
    ),
    "executorch": (
        ("copied by NumPy", executorch(clone=False)),
        ("cloned", executorch(clone=True)),
    ),
    "torch": (
        ("contiguous", torch_layout(channels_last=False)),
        ("channels last", torch_layout(channels_last=True)),
    ),
    "litert": (("XNNPACK", litert()), ("LiteRT's own kernels", litert(xnnpack=False))),
    "litert, input": (("set_tensor", litert()), ("a view", litert(view=True))),
    "ncnn": (("packed", ncnn()), ("unpacked", ncnn(use_packing_layout=False))),
    "ncnn, Winograd": (("with", ncnn()), ("without", ncnn(use_winograd_convolution=False))),
    "mnn": (
        ("shapes may change", mnn(shape_mutable=True)),
        ("shapes fixed", mnn(shape_mutable=False)),
    ),
    "mnn, precision": (
        ("high", mnn(shape_mutable=True)),
        ("low", mnn(shape_mutable=True, precision="low")),
    ),
}
"""What is varied -> the setting that is used, and another."""


def write_models(folder: Path, tflite: Path) -> None:
    """Write the network in each format that the pairs read."""
    module = fitted(ds_cnn.FAMILY, 1.0, 0)
    arrays, _ = ds_cnn.FAMILY.samples(1.0, 4, 0)
    network: Network = load_network(module, example=arrays)
    to_onnx.export(network.module(), network, folder / to_onnx.MODEL)
    to_executorch.lower(network.module(), network, folder / to_executorch.MODEL)
    to_ncnn.convert(network, folder)
    to_mnn.convert(network, folder / to_mnn.MODEL)
    (folder / "model.tflite").write_bytes(tflite.read_bytes())


def seconds_of(call: Call, calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls


def compared(makes: list[Make], folder: Path, inputs: Floats, rounds: int) -> Iterator[list[float]]:
    """Microseconds of a call in each round, for each setting; the order turns by one a round."""
    with silenced_natively():
        calls = [make(folder, inputs) for make in makes]
        for call in calls:
            call()
    counts = [max(1, int(_SECONDS / median(seconds_of(c, 1) for _ in range(5)))) for c in calls]
    times: list[list[float]] = [[], []]
    for number in range(rounds):
        for place in ((0, 1), (1, 0))[number % 2]:
            times[place].append(seconds_of(calls[place], counts[place]) * 1e6)
    yield from times


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 64, 1000])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--runtimes", nargs="+", default=[*PAIRS])
    parser.add_argument("--tflite", type=Path, default=ROOT / "tests" / "tflite" / "ds_cnn.tflite")
    asked = parser.parse_args()
    samples, _ = ds_cnn.FAMILY.samples(1.0, max(asked.batches), 1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_models(folder, asked.tflite)
        say("runtime                  setting                    batch  us a call   ratio")
        for name, pair in PAIRS.items():
            if name not in asked.runtimes:
                continue
            for batch in asked.batches:
                if name.startswith("litert") and batch > 1:
                    continue  # the file's own batch
                inputs = np.ascontiguousarray(samples[0][:batch])
                first, second = compared([m for _, m in pair], folder, inputs, asked.rounds)
                for (setting, _), times in zip(pair, (first, second), strict=True):
                    say(f"{name:24} {setting:26} {batch:5}  {line(times, first)}")


if __name__ == "__main__":
    main()
