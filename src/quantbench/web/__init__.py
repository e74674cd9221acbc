"""The local page of a study of digits: draw one, and see each row answer."""
