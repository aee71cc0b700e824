"""Power states of the DRAM, booked cycle by cycle to the op that the run waits for.

While a request is on its way, from its first cycle of latency to its last of data, the DRAM is in active standby.
Left alone it closes its rows (precharge standby), powers down, and much later refreshes itself while the PHY
sleeps. Leaving power-down is part of `latency_cycles`; a chip whose latency is shorter does
not use it. Leaving self refresh delays the request that does it, and all that come meanwhile.

The state depends on the time since the last request alone, so it is known at every cycle without looking ahead.
"""

import math
from collections.abc import Hashable

from lls_hw.models.registry import dram_device
from lls_hw.models.spec.accelerator import AcceleratorSpec

ACTIVE, STANDBY, DOWN, ASLEEP = (
    "dram_active_cycles",
    "dram_standby_cycles",
    "dram_power_down_cycles",
    "dram_self_refresh_cycles",
)
STATES = (ACTIVE, STANDBY, DOWN, ASLEEP)
SLEEPS_PER_WAKE = 100
"""A chip that does not say otherwise lets its DRAM rest for so many times its waking before it refreshes itself."""
Booked = dict[str, int]
"""Cycles by state (fields of `Counts`)."""


def whole_cycles(time_ns: float, clock_mhz: float) -> int:
    """The fewest cycles that last so long.

    Examples
    --------
    >>> whole_cycles(7.5, 200), whole_cycles(10.0, 200), whole_cycles(0, 200)
    (2, 2, 0)
    """
    return math.ceil(round(time_ns * clock_mhz / 1000.0, 9))


class DramPower:
    """The DRAM's state over machine time.

    Attributes
    ----------
    closes : idle cycles after which rows are closed and the device powers down; None where it never does.
    sleeps : idle cycles after which it refreshes itself; None where it never does.
    wakes : cycles from a request to the end of self refresh.
    """

    def __init__(self, chip: AcceleratorSpec) -> None:
        device, clock = dram_device(chip), chip.clock_mhz
        self.present = device is not None
        self.closes: int | None = None
        self.sleeps: int | None = None
        self.wakes = 0
        if device is not None:
            times = device.times
            exits = whole_cycles(times.power_down_exit_ns, clock)
            if chip.dram.power_down and exits <= chip.dram.latency_cycles:
                self.closes = whole_cycles(times.precharge_ns, clock)
            self.wakes = whole_cycles(max(times.self_refresh_exit_ns, times.phy_wake_ns), clock)
            sleeps = chip.dram.self_refresh_after_cycles
            sleeps = SLEEPS_PER_WAKE * self.wakes if sleeps is None else sleeps
            if sleeps:
                self.sleeps = max(sleeps, whole_cycles(times.precharge_ns, clock))
        self.requests = 0
        self.rests_since = 0
        self.awake_at = 0
        self.booked_to = 0

    def request(self, now: int) -> int:
        """A request begins; cycles until the device is awake. `book` must have come first."""
        if self.requests == 0 and self.sleeps is not None and now - self.rests_since >= self.sleeps:
            self.awake_at = now + self.wakes
        self.requests += 1
        return max(0, self.awake_at - now)

    def release(self, now: int) -> None:
        """A request has ended. `book` must have come first."""
        self.requests -= 1
        if self.requests == 0:
            self.rests_since = now

    def book(self, now: int, account: Booked) -> None:
        """Enter the cycles since the last booking."""
        begun, self.booked_to = self.booked_to, now
        if not self.present or now == begun:
            return
        if self.requests:
            account[ACTIVE] = account.get(ACTIVE, 0) + now - begun
            return
        closes = math.inf if self.closes is None else self.closes
        sleeps = math.inf if self.sleeps is None else self.sleeps
        edges = (0, min(closes, sleeps), sleeps, math.inf)
        for state, first, last in zip((STANDBY, DOWN, ASLEEP), edges, edges[1:], strict=False):
            cycles = min(now, self.rests_since + last) - max(begun, self.rests_since + first)
            if cycles > 0:
                account[state] = account.get(state, 0) + int(cycles)

    def snapshot(self, now: int) -> Hashable:
        """All that the future depends on, in relative time."""
        if self.requests:
            return self.requests, max(0, self.awake_at - now)
        most = max(self.closes or 0, self.sleeps or 0)
        return 0, min(now - self.rests_since, most)
