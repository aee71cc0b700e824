"""The scratchpad: which parts of which tensors lie where, as far as loads and results have put them there."""

from collections.abc import Iterator

import numpy as np

from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.kernels.requant import container
from lls_hw.sim.replay.errors import ReplayError
from lls_hw.sim.replay.memory import Area, Memory
from lls_hw.sim.replay.region import Region


class Scratchpad(Memory):
    """Bytes, and the areas that are open.

    Attributes
    ----------
    readable, writable : open areas of each tensor, to be read, and to be written by the op that runs.
    """

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.readable: dict[str, list[Area]] = {}
        self.writable: dict[str, list[Area]] = {}

    def open(self, tensor: str, address: int, region: Region, bits: int, *, read: bool = True, write: bool) -> Area:
        """An area where a part of a tensor is to be found from now on, or to be put."""
        area = self.area(tensor, address, region, bits)
        if read:
            self.readable.setdefault(tensor, []).append(area)
        if write:
            self.writable.setdefault(tensor, []).append(area)
        return area

    def close(self, area: Area | None) -> None:
        """The area is no more; its bytes stay marked as its own until another takes them."""
        if area is None:
            return
        for known in (self.readable, self.writable):
            held = known.get(area.tensor, [])
            if area in held:
                held.remove(area)

    def find(self, tensor: str, region: Region) -> Ints:
        """Codes of a part of a tensor, from one area or, along the first axis, from several.

        Raises
        ------
        ReplayError : some of it is in no open area, or was overwritten there.
        """
        return self._gathered(tensor, self.readable.get(tensor, []), region)

    def _gathered(self, tensor: str, areas: list[Area], region: Region) -> Ints:
        for area in reversed(areas):
            if area.holds(region):
                return self._checked(area, region)
        out = np.empty(region.shape, container(areas[0].bits if areas else 8))
        first, last = region.spans[0]
        there = np.zeros(last - first, bool)
        for area, part in self._parts(areas, region):
            here = slice(part.spans[0][0] - first, part.spans[0][1] - first)
            if not there[here].all():
                out[here], there[here] = self._checked(area, part), True
        if not there.all():
            missing = np.flatnonzero(~there) + first
            need = f"rows {missing[0]} to {missing[-1]} are not in the scratchpad"
            raise ReplayError(need, tensor=tensor, region=region.text)
        return out

    def put(self, tensor: str, region: Region, codes: Ints) -> None:
        """Codes of a result into the area that is open for it.

        Raises
        ------
        ReplayError : there is none.
        """
        areas = self.writable.get(tensor, [])
        for area in reversed(areas):
            if area.holds(region):
                area.write(region, codes)
                return
        first, last = region.spans[0]
        left = set(range(first, last))
        for area, part in self._parts(areas, region):
            a, b = part.spans[0]
            area.write(part, codes.reshape(region.shape)[a - first : b - first])
            left -= set(range(a, b))
        if left:
            raise ReplayError("no room is kept for it in the scratchpad", tensor=tensor, region=region.text)

    @staticmethod
    def _parts(areas: list[Area], region: Region) -> Iterator[tuple[Area, Region]]:
        """The pieces that areas hold of a part that is spread over several, along the first axis."""
        first, last = region.spans[0]
        for area in areas:
            if area.region.view != region.view or not region.along(*area.region.spans[0]).is_inside(area.region):
                continue
            a, b = max(first, area.region.spans[0][0]), min(last, area.region.spans[0][1])
            if a < b:
                yield area, region.along(a, b)

    def result(self, tensor: str, region: Region) -> Ints:
        """Codes of a result on their way out.

        Raises
        ------
        ReplayError : they were never written, or were overwritten.
        """
        return self._gathered(tensor, self.writable.get(tensor, []) or self.readable.get(tensor, []), region)

    @staticmethod
    def _checked(area: Area, region: Region) -> Ints:
        codes, foreign = area.read(region)
        if foreign:
            need = f"{foreign} of its bytes in the scratchpad were never written, or were taken by something else"
            raise ReplayError(need, tensor=area.tensor, region=region.text)
        return codes
