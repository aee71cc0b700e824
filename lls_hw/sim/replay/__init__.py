"""A costed schedule carried out on real codes, byte by byte: the proof that what is costed can be executed.

See docs/replay.md and ADR 030.
"""
