"""The graph that is compiled, and what it means."""
