"""Profilers, one file a runtime, as profiling.operators.ProfilerModule describes; each has its name."""
