"""Exporters, shared by methods: they write a format, and read back what its file holds."""
