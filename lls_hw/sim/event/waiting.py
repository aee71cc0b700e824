"""Ways to wait: a wake-up call for one process, and a thing that only one may use."""

from collections import deque

import simpy


class Signal:
    """Wakes the one process that waits for something to be there."""

    __slots__ = ("_event", "env")

    def __init__(self, env: simpy.Environment) -> None:
        self.env = env
        self._event: simpy.Event | None = None

    def wait(self) -> simpy.Event:
        """An event for the next `wake`."""
        self._event = self.env.event()
        return self._event

    def wake(self) -> None:
        """Wake the waiting process, if there is one."""
        if self._event is not None:
            event, self._event = self._event, None
            event.succeed()


class Exclusive:
    """Something one actor uses at a time, first come first served; costs no event while it is free."""

    __slots__ = ("_waiting", "busy", "env")

    def __init__(self, env: simpy.Environment) -> None:
        self.env, self.busy = env, False
        self._waiting: deque[simpy.Event] = deque()

    def wait(self) -> simpy.Event:
        """An event for one's turn, if it is busy."""
        event = self.env.event()
        self._waiting.append(event)
        return event

    def release(self) -> None:
        """Hand over to the next, or fall free."""
        if self._waiting:
            self._waiting.popleft().succeed()
        else:
            self.busy = False
