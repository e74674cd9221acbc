"""Functions of each number by itself, one a file, and sums and products of two tensors."""
