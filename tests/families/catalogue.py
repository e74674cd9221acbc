"""Every family of networks, from the smallest idea to the largest."""

from __future__ import annotations

from tests.families import (
    autoencoder,
    conv1d,
    densenet,
    ds_cnn,
    efficientnet_lite0,
    mlp,
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3,
    recurrent,
    resnet8,
    resnet18,
    shufflenet_v2,
    squeezenet,
    two_inputs,
    two_outputs,
    unet,
    vgg11,
    vit,
)

FAMILIES = (
    mlp.FAMILY,
    conv1d.FAMILY,
    ds_cnn.FAMILY,
    resnet8.FAMILY,
    resnet18.FAMILY,
    mobilenet_v1.FAMILY,
    mobilenet_v2.FAMILY,
    mobilenet_v3.FAMILY,
    efficientnet_lite0.FAMILY,
    squeezenet.FAMILY,
    shufflenet_v2.FAMILY,
    densenet.FAMILY,
    vgg11.FAMILY,
    autoencoder.FAMILY,
    unet.FAMILY,
    *recurrent.FAMILIES,
    vit.FAMILY,
    two_inputs.FAMILY,
    two_outputs.FAMILY,
)
