"""Modules in memory: measured on a float32 copy, and the user's own left exactly as it was."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor, fx, nn

from quantbench.errors import NetworkError
from quantbench.samples.records import Samples
from quantbench.system.silence import silenced
from quantbench.tasks.network import Network
from quantbench.tasks.source import describe_source, load_network

X = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
IMAGES = np.random.default_rng(1).normal(size=(3, 1, 8, 8)).astype(np.float32)


class Convolutions(nn.Module):
    """Batch norm, dropout and a frozen layer: what eval mode and copying could disturb."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(144, 3)
        self.head.weight.requires_grad_(False)

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.drop(self.norm(self.conv(image)).relu().flatten(1)))


@dataclass
class Scores:
    logits: Tensor
    features: Tensor | None = None
    loss: Tensor | None = None


class Returning(nn.Module):
    """A network whose output is put together by `form`."""

    def __init__(self, form: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.form = form

    def forward(self, x: Tensor) -> object:
        return self.form(self.layer(x))


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, left: Tensor, scale: Tensor | None = None, right: Tensor | None = None):
        out = self.layer(left)
        out = out if scale is None else out * scale
        return out if right is None else out + self.layer(right)


def refused(module: nn.Module, example: object = X) -> str:
    with pytest.raises(NetworkError) as caught:
        load_network(module, example=example)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


def run(network: Network, *arrays: np.ndarray) -> object:
    with torch.no_grad():
        return network.module()(*(torch.from_numpy(array) for array in arrays))


@pytest.mark.parametrize("training", [True, False])
def test_the_users_module_stays_as_it_was(training: bool) -> None:
    module = Convolutions().train(training)
    module.drop.eval()
    calls: list[int] = []
    module.conv.register_forward_hook(lambda *_: calls.append(1))
    modes = {name: part.training for name, part in module.named_modules()}
    state = copy.deepcopy(module.state_dict())
    tensors = dict(module.named_parameters()) | dict(module.named_buffers())
    wanted = {name: tensor.requires_grad for name, tensor in tensors.items()}
    random_state = torch.get_rng_state()
    network = load_network(module, example=IMAGES)
    assert {name: part.training for name, part in module.named_modules()} == modes
    assert (dict(module.named_parameters()) | dict(module.named_buffers())).keys() == tensors.keys()
    after = dict(module.named_parameters()) | dict(module.named_buffers())
    assert all(after[name] is tensor for name, tensor in tensors.items())
    assert {name: tensor.requires_grad for name, tensor in after.items()} == wanted
    assert all(torch.equal(state[name], tensor) for name, tensor in module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert len(module.conv._forward_hooks) == 1
    assert calls == []
    assert network.notes == ("1 hook is left out of the copy",)


def test_the_copy_is_in_eval_mode_and_each_is_fresh() -> None:
    module = Convolutions().train()
    network = load_network(module, example=IMAGES)
    first, second = network.module(), network.module()
    assert not any(part.training for part in first.modules())
    first.head.bias.data.fill_(7)
    assert torch.equal(second.head.bias, module.head.bias)
    assert torch.equal(network.module().head.bias, module.head.bias)
    expected = copy.deepcopy(module).eval()(torch.from_numpy(IMAGES))
    assert torch.equal(run(network, IMAGES), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_become_float32_and_it_is_said(dtype: torch.dtype) -> None:
    module = Returning(lambda y: y).to(dtype)
    network = load_network(module, example=X.astype(np.float64))
    assert module.layer.weight.dtype == dtype
    assert all(p.dtype == torch.float32 for p in network.module().parameters())
    assert network.notes == (
        f"weights of {str(dtype).removeprefix('torch.')} are converted to float32",
    )
    assert network.inputs[0].dtype == "float32"
    assert torch.equal(network.module().layer.weight, module.layer.weight.float())


def test_inputs_and_outputs_are_named_after_forward() -> None:
    network = load_network(Convolutions(), example=IMAGES)
    assert [(s.name, s.shape, s.dtype) for s in network.inputs] == [("image", (1, 8, 8), "float32")]
    assert [(s.name, s.shape) for s in network.outputs] == [("output", (3,))]
    assert (network.name, network.fixed_batch) == ("Convolutions", None)
    assert describe_source(network) == (
        "a Convolutions in memory, image float32 [1, 8, 8] -> output float32 [3]"
    )


@pytest.mark.parametrize(
    ("form", "names"),
    [
        (lambda y: (y, y + 1), ["output_0", "output_1"]),
        (lambda y: [y, [y + 1]], ["output_0", "output_1_0"]),
        (lambda y: [y], ["output_0"]),
        (lambda y: {"logits": y, "aux": (y * 2, None)}, ["logits", "aux_0"]),
        (lambda y: Scores(y, y + 1), ["logits", "features"]),
        (lambda y: {"scores": Scores(y)}, ["scores_logits"]),
    ],
    ids=["tuple", "list", "list of one", "dict", "dataclass", "nested"],
)
def test_any_structure_becomes_a_tuple(form: Callable[[Tensor], object], names: list[str]) -> None:
    module = Returning(form)
    network = load_network(module, example=X)
    assert [spec.name for spec in network.outputs] == names
    value = run(network, X)
    tensors = value if isinstance(value, tuple) else (value,)
    assert len(tensors) == len(names)
    assert all(type(tensor) is Tensor for tensor in tensors)
    assert torch.equal(tensors[0], module.layer(torch.from_numpy(X)))


def test_a_plain_module_is_not_wrapped() -> None:
    for form in (lambda y: y, lambda y: (y, y)):
        assert type(load_network(Returning(form), example=X).module()) is Returning


def test_several_inputs_in_order_or_by_name() -> None:
    module, scale = TwoInputs(), np.full((3, 1), 2, np.int64)
    layer, x = module.layer, torch.from_numpy(X)
    network = load_network(module, example=(X, scale))
    assert [(s.name, s.dtype) for s in network.inputs] == [("left", "float32"), ("scale", "int64")]
    assert torch.equal(run(network, X, scale), layer(x) * 2)
    network = load_network(module, example={"right": X + 1, "left": X})
    assert [spec.name for spec in network.inputs] == ["left", "right"]
    assert torch.equal(run(network, X, X + 1), layer(x) + layer(x + 1))


def test_parameters_that_get_no_samples_keep_their_defaults() -> None:
    network = load_network(TwoInputs(), example=X)
    module = network.module()
    assert [spec.name for spec in network.inputs] == ["left"]
    assert list(inspect.signature(module.forward).parameters) == ["left"]
    assert torch.equal(fx.symbolic_trace(module)(torch.from_numpy(X)), run(network, X))


def test_any_number_of_inputs() -> None:
    class Summing(Returning):
        def forward(self, *parts: Tensor) -> Tensor:
            return self.layer(sum(parts))

    network = load_network(Summing(lambda y: y), example=(X, X))
    assert [spec.name for spec in network.inputs] == ["input_0", "input_1"]
    assert torch.equal(run(network, X, X), network.module().network.layer(torch.from_numpy(2 * X)))


def test_samples_are_an_example() -> None:
    samples = Samples("calibration", (X,))
    assert load_network(Returning(lambda y: y), example=samples).inputs[0].shape == (4,)


def test_the_hash_is_of_weights_settings_and_code() -> None:
    torch.manual_seed(1)
    module = Convolutions()
    hashes = [load_network(module, example=IMAGES).sha256]
    assert load_network(copy.deepcopy(module).train(), example=IMAGES).sha256 == hashes[0]
    with torch.no_grad():
        module.head.bias[0] += 1
    hashes.append(load_network(module, example=IMAGES).sha256)
    module.norm.eps = 0.5
    hashes.append(load_network(module, example=IMAGES).sha256)
    module.threshold = 3
    hashes.append(load_network(module, example=IMAGES).sha256)
    module.register_buffer("scale", torch.ones(1), persistent=False)
    hashes.append(load_network(module, example=IMAGES).sha256)
    assert len(set(hashes)) == len(hashes)


def test_the_code_of_a_class_without_a_file_is_hashed() -> None:
    def sha256(forward: str) -> str:
        space: dict[str, object] = {"__name__": "typed_in", "nn": nn}
        exec(f"class N(nn.Module):\n def forward(self, x):\n  return {forward}", space)  # noqa: S102
        network = load_network(space["N"](), example=X)
        assert network.sources == ()
        return network.sha256

    assert sha256("x + 1") == sha256("x + 1")
    assert len({sha256("x + 1"), sha256("x + 2"), sha256("x.relu()")}) == 3


def test_the_files_of_a_modules_classes_are_its_sources() -> None:
    network = load_network(nn.Sequential(Returning(lambda y: y)), example=X)
    assert [path.name for path in network.sources] == ["test_source_module.py"]
    assert load_network(nn.Linear(4, 3), example=X).sources == ()


@pytest.mark.parametrize(
    "forward",
    [
        lambda self, x: self.layer(x.reshape(4)).reshape(1, 3),
        lambda self, x: self.layer(x) - self.layer(x).mean(0),
        lambda self, x: self.layer(x)[:1],
    ],
    ids=["fails", "mixes samples", "drops samples"],
)
def test_a_network_that_takes_one_sample_only(forward: Callable[..., Tensor]) -> None:
    module = type("One", (Returning,), {"forward": forward})(lambda y: y)
    network = load_network(module, example=X)
    assert network.fixed_batch == 1
    assert "batches of 1" in network.notes[0]
    assert "batches of 1 only" in describe_source(network)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (lambda y: y.argmax(1), "output 'output' is int64; return the real-valued scores"),
        (lambda y: {"a": y, "kind": y > 0}, "output 'kind' is bool; return the real-valued"),
        (lambda y: y.double(), "is float64; let forward return float32"),
        (lambda y: y / 0, "is NaN or infinite for the first samples; check the weights"),
        (lambda y: y.sum(), "shape [] for a batch of 1; keep the batch as its first axis"),
        (lambda y: y[0], "shape [3] for a batch of 1; keep the batch"),
        (lambda _: "text", "returns a str; return a tensor, or a tuple, list, dict"),
        (lambda y: (y, 3.0), "returns a float; return a tensor"),
        (lambda y: {(1, 2): y}, "returns a mapping with the key (1, 2); name its outputs"),
        (lambda _: None, "returns no tensor; return the output of its layers"),
        (lambda y: y[:, :0], "is empty; return outputs that have values"),
        (lambda y: y + torch.rand(1), "gives another output each time for the same sample"),
        (lambda y: y.missing, "can't take the samples (x float32 [4]): AttributeError"),
    ],
)
def test_other_outputs_are_refused(form: Callable[[Tensor], object], words: str) -> None:
    assert words in refused(Returning(form))


@pytest.mark.parametrize(
    ("example", "words"),
    [
        (None, "doesn't say which inputs it takes; give samples"),
        (X[:, :2], "Returning can't take the samples (x float32 [2]): RuntimeError: "),
        ((X, X), "takes (x), but the samples have 2 inputs; give one array for each"),
        ({"y": X}, "takes (x), the samples are named (y); give each input by the name"),
        (np.array(["a"]), "input 'x' is of dtype <U1; give numbers"),
        (X[:0], "input 'x' has no samples; give an array [N, ...]"),
    ],
)
def test_samples_that_do_not_fit_are_refused(example: object, words: str) -> None:
    assert words in refused(Returning(lambda y: y), example)


def test_modules_that_are_no_float_network_are_refused() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(nn.Linear(4, 3))
        lazy = nn.LazyLinear(3)
        dynamic = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 3)))
    assert "is TorchScript" in refused(scripted)
    assert "has no shape yet; call the lazy module once before" in refused(lazy)
    assert "is quantized already (Linear); hand over the float network" in refused(dynamic)
    assert "on the meta device" in refused(nn.Linear(4, 3, device="meta"))
    assert "is complex" in refused(nn.Linear(4, 3, dtype=torch.complex64))
    holder = nn.Linear(4, 3)
    holder.generator = (number for number in range(3))
    assert "Linear can't be copied (TypeError" in refused(holder)


def test_wrappers_are_taken_off_and_it_is_said() -> None:
    module = nn.Linear(4, 3)
    parallel = load_network(nn.DataParallel(module), example=X)
    assert type(parallel.module()) is nn.Linear
    assert parallel.notes == ("measured without its DataParallel",)
    with silenced():
        compiled = load_network(torch.compile(module), example=X)
    assert type(compiled.module()) is nn.Linear
    assert compiled.sha256 == parallel.sha256


def test_hooks_of_pytorch_itself_stay() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = nn.utils.weight_norm(nn.Linear(4, 3))
    expected = module(torch.from_numpy(X))
    network = load_network(module, example=X)
    assert network.notes == ()
    assert torch.equal(run(network, X), expected.detach())
