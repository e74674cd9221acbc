"""Transformations of the graph, one file each."""
