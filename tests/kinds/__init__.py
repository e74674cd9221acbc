"""Ten kinds of small network, each a file as those of quantbench's models/ are."""
