"""Identify a module: its weights, its structure and the code of its classes."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType

import torch
from torch import Tensor, fx, nn

from quantbench.system.fingerprint import fingerprint
from quantbench.tasks.module_copy import plain_tensors

_CHUNK = 1 << 22
"""Elements of a tensor that are hashed at a time."""
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_SIMPLE = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.Size)
_OF_MODULES = frozenset(vars(nn.Module())) | {"_is_torch_compile"}
"""Attributes that say nothing of a network: hooks, modes, tables of what is hashed by itself."""


@dataclass(frozen=True)
class ModuleIdentity:
    """The SHA-256 of a module, and the Python files that it depends on."""

    sha256: str
    sources: tuple[Path, ...]


def identify(module: nn.Module) -> ModuleIdentity:
    """Hash a module: tensors by name, dtype, shape and bytes; settings; the code of its classes.

    PyTorch's own classes are known by name. Classes from files are known by the file and what it
    imports of its own package, others (of an interactive session) by their methods' byte code.
    """
    digest = hashlib.sha256()
    for name, part in module.named_modules(remove_duplicate=False):
        digest.update(_line("module", name, _name_of(type(part)), _settings(part)))
    for name, tensor in _tensors(module):
        digest.update(_line("tensor", name, str(tensor.dtype), str(tuple(tensor.shape))))
        for chunk in _chunks(tensor):
            digest.update(chunk)
    classes = sorted(set(_classes(module)), key=_name_of)
    files = {kind: file for kind in classes if (file := _file_of(kind))}
    sources = tuple(sorted(set(files.values())))
    digest.update(_line("code", json.dumps(fingerprint(*sources), sort_keys=True)))
    for kind in classes:
        if kind not in files:
            digest.update(_line("class", _name_of(kind), *_methods(kind)))
    return ModuleIdentity(digest.hexdigest(), sources)


def _line(*parts: str) -> bytes:
    return json.dumps(parts).encode() + b"\n"


def _name_of(kind: type) -> str:
    """The name of a class: PyTorch's with its module, others without, as the code is hashed."""
    is_torch = kind.__module__.split(".")[0] == "torch"
    return f"{kind.__module__}.{kind.__qualname__}" if is_torch else kind.__qualname__


def _settings(module: nn.Module) -> str:
    """The printed form of a module, and its attributes of plain types."""
    values = {
        name: _shown(value)
        for name, value in vars(module).items()
        if name not in _OF_MODULES and not isinstance(value, Tensor)
    }
    code = module.code if isinstance(module, fx.GraphModule) else ""
    return json.dumps([_ADDRESS.sub("", module.extra_repr()), code, values], sort_keys=True)


def _shown(value: object) -> str:
    """A plain value as text; anything else by its type alone."""
    if isinstance(value, _SIMPLE):
        return repr(value)
    if isinstance(value, FunctionType):
        return _byte_code(value.__code__)
    if isinstance(value, set | frozenset):
        return f"set{sorted(_shown(item) for item in value)}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}{[_shown(item) for item in value]}"
    if isinstance(value, dict):
        return f"dict{[(_shown(key), _shown(item)) for key, item in value.items()]}"
    return _name_of(type(value))


def _tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters, buffers (also those that no state_dict keeps) and plain tensors, by name."""
    yield from module.named_parameters(remove_duplicate=False)
    yield from module.named_buffers(remove_duplicate=False)
    for name, part in module.named_modules(remove_duplicate=False):
        yield from ((f"{name}.{attribute}", tensor) for attribute, tensor in plain_tensors(part))


def _chunks(tensor: Tensor) -> Iterator[bytes]:
    for chunk in tensor.detach().cpu().contiguous().reshape(-1).split(_CHUNK):
        yield chunk.view(torch.uint8).numpy().tobytes()


def _classes(module: nn.Module) -> Iterator[type]:
    """The classes of all parts and their bases, without PyTorch's and Python's own."""
    for part in module.modules():
        for kind in type(part).__mro__:
            if kind.__module__.split(".")[0] not in ("torch", "builtins", "typing", "abc"):
                yield kind


def _file_of(kind: type) -> Path | None:
    module = sys.modules.get(kind.__module__)
    file = vars(module).get("__file__") if module else None
    path = Path(file).absolute() if isinstance(file, str) else None
    return path if path and path.suffix == ".py" and path.is_file() else None


def _methods(kind: type) -> list[str]:
    return [
        f"{name}={_byte_code(value.__code__)}"
        for name, value in sorted(vars(kind).items())
        if isinstance(value, FunctionType)
    ]


def _byte_code(code: CodeType) -> str:
    constants = [
        _byte_code(constant) if isinstance(constant, CodeType) else repr(constant)
        for constant in code.co_consts
    ]
    return f"{code.co_code.hex()}{code.co_names}{constants}"
