"""What methods share to write a format."""
