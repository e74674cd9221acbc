"""Training the float network."""
