"""Files that a study reads and writes: read safely, nothing in them trusted or executed."""
