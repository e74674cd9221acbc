"""Operators that move values, or change shapes alone: plug-ins like those beside this folder."""
