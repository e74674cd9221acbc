"""A network and its data."""
