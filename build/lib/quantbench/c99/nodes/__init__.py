"""The kinds of nodes that several operators make, or that kernel generators read: one a file."""
