"""The page of an explanation, a file a part."""
