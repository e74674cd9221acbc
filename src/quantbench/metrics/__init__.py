"""One file a metric. A file offers what contracts.MetricModule names."""
