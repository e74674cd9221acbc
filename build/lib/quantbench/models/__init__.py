"""Networks, one file each, with INPUT_SHAPE (without the batch) and build()."""
