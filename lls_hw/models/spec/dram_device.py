"""A kind of DRAM with its PHY: energies, powers of its states, and times, each with its source."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.prices import Entry, SourceText, check_units

Nanoseconds = Annotated[float, Field(ge=0, le=1e9)]


class DramTimes(Spec):
    """Times in which a device closes its rows, and wakes.

    A device that is left alone closes its rows, `precharge_ns`, and powers down. It leaves power-down within
    `power_down_exit_ns` of a request, and self refresh within the longer of `self_refresh_exit_ns` and
    `phy_wake_ns`, since the PHY sleeps as well.
    """

    precharge_ns: Nanoseconds
    power_down_exit_ns: Nanoseconds
    self_refresh_exit_ns: Nanoseconds
    phy_wake_ns: Nanoseconds
    source: SourceText


class DramDeviceSpec(Spec):
    """Energies in pJ, powers in mW.

    `refresh` is the mean power of refreshes on command, in every state but self refresh, which has its own inside.
    `phy_bit` and `phy` are the PHY on the chip's side: energy a bit, and power in every state but self refresh.
    """

    name: str = Field(min_length=1)
    summary: str
    read_bit: Entry
    write_bit: Entry
    activate: Entry
    active_standby: Entry
    precharge_standby: Entry
    power_down: Entry
    self_refresh: Entry
    refresh: Entry
    phy_bit: Entry
    phy: Entry
    times: DramTimes

    @model_validator(mode="after")
    def _units_agree(self) -> Self:
        check_units(device_entries(self), _UNITS)
        return self


_BITS = (("read_bit", "pJ/bit"), ("write_bit", "pJ/bit"), ("phy_bit", "pJ/bit"))
_UNITS = (*_BITS, ("activate", "pJ/activate"), ("", "mW"))


def device_entries(device: DramDeviceSpec) -> tuple[tuple[str, Entry], ...]:
    """Every priced entry with its name, in the order of the file."""
    return tuple((name, value) for name, value in device if isinstance(value, Entry))
