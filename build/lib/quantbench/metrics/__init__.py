"""Metrics, one file each, with the members that contracts.MetricModule names."""
