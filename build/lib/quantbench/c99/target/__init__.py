"""Instruction sets and the machines that C is written for."""
