"""Load a file of weights into a module: names are mended where it is plain how, and it is said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from quantbench.artifacts.file_kind import require_kind
from quantbench.artifacts.safetensors_file import read_safetensors
from quantbench.artifacts.state_file import read_state
from quantbench.errors import ArtifactError, NetworkError, cause
from quantbench.tasks.module_copy import kind_of

_NESTED = ("state_dict", "model_state_dict", "model", "net", "network", "weights")
"""Names by which a checkpoint of a training keeps the weights among other things."""
_PREFIXES = ("module.", "model.", "_orig_mod.", "net.", "network.")
"""Beginnings of names that wrappers add: DataParallel, Lightning, torch.compile."""
_SHOWN = 3
_SAVE = "save model.state_dict() with torch.save and give that file"


def load_weights(module: nn.Module, path: Path) -> tuple[str, ...]:
    """Load a state_dict or safetensors file into `module`; returns a sentence for each mend.

    Nothing is unpickled but tensors and plain containers. Raises ArtifactError for a file that
    holds none, NetworkError, with the names, where they don't fit.
    """
    state, notes = _state(path)
    expected = module.state_dict()
    state, mended = _mended(state, expected)
    _require_fit(state, expected, path, module)
    try:
        module.load_state_dict(state, strict=False)
    except Exception as error:
        raise NetworkError(f"{path} doesn't fit {kind_of(module)}: {cause(error)}") from error
    return (*notes, *mended)


def _state(path: Path) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors of a file by name, and a note where they were found inside of a checkpoint."""
    kind = require_kind(path)
    if kind == "safetensors":
        return dict(read_safetensors(path)), []
    if kind == "TorchScript":
        raise ArtifactError(f"{path} is TorchScript, which holds a program; {_SAVE}")
    if kind not in ("state_dict", "pickle"):
        raise ArtifactError(f"{path} holds no weights that can be loaded ({kind}); {_SAVE}")
    try:
        content = read_state(path)
    except ArtifactError as error:
        raise ArtifactError(f"{error}; {_SAVE}") from error
    if state := _tensors(content):
        return state, []
    for name in _NESTED:
        if state := _tensors(content.get(name)):
            return state, [f"the weights were taken from '{name}' in {path.name}"]
    raise ArtifactError(
        f"{path} holds no state_dict, but {', '.join(map(repr, list(content)[:8]))}; {_SAVE}"
    )


def _tensors(content: object) -> dict[str, Tensor]:
    """A state_dict; empty where the content isn't one: of names and tensors alone."""
    if not isinstance(content, Mapping):
        return {}
    tensors = {
        name: value
        for name, value in content.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    return tensors if len(tensors) == len(content) else {}


def _mended(
    state: dict[str, Tensor], expected: Mapping[str, object]
) -> tuple[dict[str, Tensor], list[str]]:
    """The state without prefixes that all names have, as long as that makes more of them fit."""
    notes = []
    while prefix := next(
        (
            prefix
            for prefix in _PREFIXES
            if all(name.startswith(prefix) for name in state)
            and _matches(_without(state, prefix), expected) >= _matches(state, expected)
            and _matches(state, expected) < len(state)
        ),
        None,
    ):
        state = _without(state, prefix)
        notes.append(f"'{prefix}' was taken off the names of all weights")
    return state, notes


def _without(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in state.items()}


def _matches(state: Mapping[str, object], expected: Mapping[str, object]) -> int:
    return sum(name in expected for name in state)


def _require_fit(
    state: dict[str, Tensor], expected: Mapping[str, object], path: Path, module: nn.Module
) -> None:
    """Raise NetworkError that names what is missing, unexpected or of another shape."""
    # BatchNorm counts batches since PyTorch 0.4.1; older files don't hold the count.
    missing = [name for name in expected
               if name not in state and not name.endswith("num_batches_tracked")]  # fmt: skip
    unexpected = [name for name in state if name not in expected]
    shapes = [
        f"{name} {list(tensor.shape)}, not {list(wanted.shape)}"
        for name, tensor in state.items()
        if isinstance(wanted := expected.get(name), Tensor) and wanted.shape != tensor.shape
    ]
    groups = (("missing", missing), ("unexpected", unexpected), ("of another shape", shapes))
    faults = [f"{len(names)} {what} ({_listed(names)})" for what, names in groups if names]
    if faults:
        raise NetworkError(
            f"{path} doesn't fit {kind_of(module)}: {'; '.join(faults)}; give the weights of this "
            "network"
        )


def _listed(names: list[str]) -> str:
    more = ", ..." if len(names) > _SHOWN else ""
    return ", ".join(name[:80] for name in names[:_SHOWN]) + more
