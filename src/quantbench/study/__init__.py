"""The use cases: run a study, quantize, predict."""
