"""Methods and runtimes by their names. It imports no other step: artifacts depend on its code."""

from __future__ import annotations

from quantbench import plugins
from quantbench.contracts import MethodModule, Plugin, RuntimeModule


def method_named(name: str) -> Plugin[MethodModule]:
    """Return a method. Raises UnknownNameError, and UnavailableError if it doesn't import."""
    return Plugin(name, plugins.method(name), plugins.source("methods", name))


def runtime_named(name: str) -> Plugin[RuntimeModule]:
    """Return a runtime. Raises UnknownNameError, and UnavailableError if it doesn't import."""
    return Plugin(name, plugins.runtime(name), plugins.source("runtimes", name))
