"""Child processes, and the signal that a terminal sends to all of them at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def deaf_children() -> Iterator[None]:
    """Ctrl-C is for this process alone: processes and threads that are started inside never hear it.

    A child that heard it while it still imports would print a traceback. Here it waits until the end of the block.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
