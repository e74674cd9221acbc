"""Ways to quantize, one file each, as contracts.MethodModule describes."""
