"""The float module behind a state_dict artifact, built again where the artifact is loaded.

A model plug-in builds it by its name. Any other network is described in the artifact's own folder,
by export/module_file.py.
"""

from __future__ import annotations

from pathlib import Path

from torch import nn

from quantbench import plugins
from quantbench.artifacts.artifact import Artifact
from quantbench.contracts import QuantizeJob
from quantbench.system.record import Settings
from quantbench.tasks.network import Network

FILE = "module.json"
"""The description of a module. What reads it needs torch.ao, which a model by name does without."""


def module_of(artifact: Artifact) -> nn.Module:
    """A new float module for the artifact's state, with weights of no meaning.

    Raises UnknownNameError for a plug-in that isn't there any more, and ArtifactError for a damaged
    description.
    """
    if FILE in artifact.files:
        from quantbench.export.module_file import read_module

        return read_module(artifact.folder)
    return plugins.model(artifact.body.model).build()


def written_module(job: QuantizeJob[Settings]) -> nn.Module:
    """The network's module, in the form that `module_of` gives it; its description is written.

    Raises UnavailableError for a network that has no module, or one that can't be described.
    """
    if not _is_plugin(job.network):
        from quantbench.export.module_file import write_module

        write_module(job.network.module(), job.folder)
    return read_back(job.network, job.folder)


def read_back(network: Network, folder: Path) -> nn.Module:
    """The network's module, in the form that the description in `folder` gives it, if any."""
    module = network.module()
    if not (folder / FILE).exists():
        return module
    from quantbench.export.module_file import read_module

    described = read_module(folder)
    described.load_state_dict(module.state_dict())
    return described


def _is_plugin(network: Network) -> bool:
    return (
        network.name in plugins.names("models")
        and plugins.source("models", network.name) in network.sources
    )
