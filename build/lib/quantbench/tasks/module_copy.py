"""Copy a user's module for measuring: float32, on the CPU, in eval mode; the user's own is left."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from quantbench.errors import NetworkError, cause
from quantbench.system.silence import silenced

_WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)
_HOOKS = (
    "_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks",
)  # fmt: skip
_OPTIONS_OF_HOOKS = (
    "_forward_hooks_with_kwargs", "_forward_hooks_always_called", "_forward_pre_hooks_with_kwargs",
)  # fmt: skip


@dataclass(frozen=True)
class FloatCopy:
    """A float32 copy of a module, with a sentence for each thing in which it differs."""

    module: nn.Module
    notes: tuple[str, ...]


def float_copy(module: nn.Module) -> FloatCopy:
    """Copy a module to float32 on the CPU, in eval mode, without the user's hooks.

    The module itself, its device, modes and hooks stay as they are. Hooks of PyTorch's own, such
    as weight_norm's, are kept. Raises NetworkError for a module that can't be copied.
    """
    inner, notes = _unwrapped(module)
    _require_float(inner)
    own = {id(tensor): tensor.detach().clone() for tensor in _computed(inner)}
    try:
        with torch.no_grad(), silenced():
            clone = copy.deepcopy(inner, own)
    except Exception as error:  # a user's module may hold anything
        raise NetworkError(
            f"{kind_of(inner)} can't be copied ({cause(error)}); take what isn't a weight or a "
            "setting out of the module"
        ) from error
    if hooks := _remove_hooks(clone):
        notes.append(f"{hooks} {'hook is' if hooks == 1 else 'hooks are'} left out of the copy")
    wide = sorted({str(t.dtype).removeprefix("torch.") for t in _floats(clone)} - {"float32"})
    if wide:
        notes.append(f"weights of {' and '.join(wide)} are converted to float32")
    return FloatCopy(_to_float32(clone).eval(), tuple(notes))


def kind_of(module: nn.Module) -> str:
    """The name of a module's class, as messages show it."""
    return type(module).__name__


def plain_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors that a module keeps as attributes, neither parameters nor buffers."""
    for name, value in vars(module).items():
        if isinstance(value, Tensor):
            yield name, value


def _unwrapped(module: nn.Module) -> tuple[nn.Module, list[str]]:
    """The module within DataParallel and torch.compile, and a note for each that was taken off."""
    notes = []
    while True:
        compiled = dict(module.named_children()).get("_orig_mod")
        if isinstance(module, _WRAPPERS):
            notes.append(f"measured without its {kind_of(module)}")
            module = module.module
        elif compiled is not None:
            notes.append("measured without its torch.compile")
            module = compiled
        else:
            return module, notes


def _require_float(module: nn.Module) -> None:
    """Raise NetworkError for a module that isn't a float network with its weights."""
    for name, part in module.named_modules():
        where = f"{kind_of(module)}{'.' if name else ''}{name}"
        if isinstance(part, torch.jit.ScriptModule):
            raise NetworkError(
                f"{where} is TorchScript, which can't be quantized; hand over the nn.Module that "
                "it was made from"
            )
        if type(part).__module__.startswith(("torch.ao.nn.quantized", "torch.ao.nn.intrinsic")):
            raise NetworkError(
                f"{where} is quantized already ({kind_of(part)}); hand over the float network"
            )
    tensors = (*module.named_parameters(), *module.named_buffers())
    for name, tensor in tensors:
        if isinstance(tensor, UninitializedParameter | UninitializedBuffer):
            raise NetworkError(
                f"{kind_of(module)}.{name} has no shape yet; call the lazy module once before"
            )
        if tensor.is_meta:
            raise NetworkError(
                f"{kind_of(module)}.{name} is on the meta device and holds no values; load the "
                "weights before"
            )
        if tensor.is_complex():
            raise NetworkError(f"{kind_of(module)}.{name} is complex, which can't be quantized")


def _computed(module: nn.Module) -> Iterator[Tensor]:
    """The tensors among a module's attributes that autograd computed, which deepcopy refuses."""
    for part in module.modules():
        for _, tensor in plain_tensors(part):
            if not tensor.is_leaf:
                yield tensor


def _remove_hooks(module: nn.Module) -> int:
    """Remove hooks that aren't PyTorch's own, and return how many there were."""
    count = 0
    for part in module.modules():
        for table in (vars(part)[name] for name in _HOOKS):
            theirs = [key for key, hook in table.items() if not _is_of_torch(hook)]
            count += len(theirs)
            for key in theirs:
                del table[key]
                for name in _OPTIONS_OF_HOOKS:
                    vars(part)[name].pop(key, None)
    return count


def _is_of_torch(hook: object) -> bool:
    defined_in = hook.__module__ if callable(hook) else ""
    return defined_in.split(".")[0] == "torch"


def _floats(module: nn.Module) -> Iterator[Tensor]:
    """The real-valued tensors of a module: parameters, buffers and plain attributes."""
    for part in module.modules():
        plain = (tensor for _, tensor in plain_tensors(part))
        for tensor in (*part.parameters(recurse=False), *part.buffers(recurse=False), *plain):
            if tensor.is_floating_point():
                yield tensor


def _to_float32(module: nn.Module) -> nn.Module:
    module.to("cpu").float()
    for part in module.modules():
        for name, tensor in list(plain_tensors(part)):
            dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
            vars(part)[name] = tensor.detach().to("cpu", dtype)
    return module
