"""Tables and sentences for a terminal, made with rich."""
