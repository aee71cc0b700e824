"""`python -m lls_hw`."""

from lls_hw.cli import run

run()
