"""The progress that a training reports, and its stop."""

from collections.abc import Callable

StepProgress = Callable[[str, int, int], None]
"""(what is being done, done, of how many)."""


class Stopped(Exception):  # noqa: N818  (not an error)
    """The user asked to stop; everything is saved."""
