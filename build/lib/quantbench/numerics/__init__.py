"""Number formats and fixed-point arithmetic."""
