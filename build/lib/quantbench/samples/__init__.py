"""Samples: arrays, batches and files of them as one record, read safely."""
