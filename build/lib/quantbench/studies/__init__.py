"""The use cases: run a study, quantize a network, predict images."""
