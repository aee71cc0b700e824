"""Warnings are errors in every process that a test starts, as `filterwarnings` makes them in the tests' own."""

import os

os.environ["PYTHONWARNINGS"] = "error"
