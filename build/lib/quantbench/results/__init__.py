"""Results of a study: records, statistics, and which row to ship."""
