"""Ctrl-C and SIGTERM: what is finished is stored first; a wait for a worker is broken off at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(BaseException):
    """A signal came while nothing but waiting was done. (No `Exception`: nobody shall record it as a failure.)"""


class Stop:
    """The signals caught so far. The first asks to stop, a second one of the same kind kills."""

    def __init__(self) -> None:
        self.caught: list[int] = []
        self._waits = False

    def __bool__(self) -> bool:
        return bool(self.caught)

    @property
    def status(self) -> int:
        """Exit status: 128 + the signal; 0 without one."""
        return 128 + self.caught[0] if self.caught else 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside, a signal raises; outside it is only noted.

        Raises
        ------
        Interrupted : a signal came.
        """
        self._waits = True
        try:
            if self.caught:
                raise Interrupted
            yield
        finally:
            self._waits = False

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.caught.append(number)
        signal.signal(number, signal.SIG_DFL)
        if self._waits:
            raise Interrupted

    @contextmanager
    def listening(self) -> Iterator["Stop"]:
        """Catch SIGINT and SIGTERM meanwhile."""
        before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
