"""Profilers, one file a runtime by its name, as profiling.operators.ProfilerModule describes."""
