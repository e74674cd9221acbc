"""The parts that time_split.py and the profilers share: operators, the worker, their layers."""
