"""The source report's printout and its claims, answered from measurements."""
