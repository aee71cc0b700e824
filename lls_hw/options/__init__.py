"""The choices of a user: records whose fields are options, each option described once.

Nothing here imports more than the legal ranges of numbers, so that `lls-hw --help` starts at once.
"""
