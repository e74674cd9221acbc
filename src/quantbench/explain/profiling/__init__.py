"""The things that time_split.py and the profilers of profiles/ share: operators, the worker, their layers."""
