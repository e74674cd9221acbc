"""Profilers, one file a runtime, as profiling.ProfilerModule describes; each has its name."""
