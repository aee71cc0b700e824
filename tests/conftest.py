"""Warnings are errors in every process that a test starts, as `filterwarnings` makes them in the tests' own.

Tables are as wide as in a pipe, whatever the terminal that the tests are started from says of itself.
"""

import os

os.environ["PYTHONWARNINGS"] = "error"
os.environ.pop("COLUMNS", None)
