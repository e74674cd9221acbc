"""Errors of the libraries that trace, convert and quantize, as reasons for the user."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from torch import nn

from quantbench.errors import QuantbenchError, UnavailableError, cause


@contextlib.contextmanager
def refusing(step: str) -> Iterator[None]:
    """Raise UnavailableError "`step`: cause" for whatever a library raises inside the context."""
    try:
        yield
    except QuantbenchError:
        raise
    except Exception as error:  # a library that is given an unknown network may raise anything
        raise UnavailableError(f"{step}: {cause(error)}") from error


def failing_layer(model: nn.Module, run: Callable[[], object]) -> str:
    """Name the innermost submodule that `run`, which calls `model`, fails in; "" if none.

    Returns a text such as " in layer 'head.fc' (Linear)".
    """
    entered: list[str] = []

    def enter(name: str) -> Callable[[nn.Module, object], None]:
        return lambda _, __: entered.append(name)

    def leave(_: nn.Module, __: object, ___: object) -> None:
        entered.pop()

    modules = {name: module for name, module in model.named_modules() if name}
    hooks = [module.register_forward_pre_hook(enter(name)) for name, module in modules.items()]
    hooks += [module.register_forward_hook(leave) for module in modules.values()]
    try:
        run()
    except Exception:  # noqa: BLE001 - it is known to fail: the place is wanted
        name = entered[-1] if entered else ""
        return f" in layer '{name}' ({type(modules[name]).__name__})" if name else ""
    finally:
        for hook in hooks:
            hook.remove()
    return ""
