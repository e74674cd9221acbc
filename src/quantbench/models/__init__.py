"""One file a network. A file offers INPUT_SHAPE and build()."""
