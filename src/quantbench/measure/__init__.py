"""One file a metric of a row's answers. A file offers UNIT, HIGHER_IS_BETTER and compute()."""
