"""One file an engine. A file offers what contracts.RuntimeModule names."""
