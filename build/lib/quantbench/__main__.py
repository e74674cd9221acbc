"""`python -m quantbench` is the command line."""

from quantbench.cli.app import main

main()
