"""Bytes, regions and addresses, against plain Python integers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.replay.allocate import PadBlock, lay_out, most_held
from lls_hw.sim.replay.memory import Memory
from lls_hw.sim.replay.packing import pack, unpack
from lls_hw.sim.replay.region import Region, whole
from lls_hw.sim.replay.scratchpad import Scratchpad

QUICK = settings(max_examples=60, deadline=None)


@QUICK
@given(st.integers(1, 64).flatmap(lambda bits: st.tuples(
    st.just(bits), st.lists(st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1), max_size=20))))  # fmt: skip
def test_pack__is_one_long_integer(case: tuple[int, list[int]]) -> None:
    bits, codes = case
    number = sum((code & ((1 << bits) - 1)) << (at * bits) for at, code in enumerate(codes))
    raw = pack(np.array(codes, np.int64), bits)
    assert raw.tobytes() == number.to_bytes(storage_bytes(len(codes), bits), "little")
    assert unpack(raw, bits, len(codes)).tolist() == codes


@st.composite
def regions(draw: st.DrawFn) -> Region:
    view = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    spans = []
    for size in view:
        first = draw(st.integers(0, size - 1))
        spans.append((first, draw(st.integers(first + 1, size))))
    return Region(view, tuple(spans))


@QUICK
@given(regions())
def test_region__its_pieces_are_runs_of_adjoining_codes(region: Region) -> None:
    places = np.arange(np.prod(region.view)).reshape(region.view)[region.within(whole(*region.view))].reshape(-1)
    breaks = int(np.count_nonzero(np.diff(places) != 1))
    number, length = region.pieces
    assert number * length == region.elements == places.size
    assert number >= breaks + 1, "rows that end where the next begins may be one piece"
    assert places.size % (breaks + 1) or number == breaks + 1
    assert region.first_code == places[0]
    runs = [np.arange(run.first_code, run.first_code + run.elements) for run in region.runs()]
    assert np.concatenate(runs).tolist() == places.tolist()


@QUICK
@given(regions(), st.sampled_from([1, 3, 5, 8, 12, 16, 24, 32]), st.integers(0, 9))
def test_area__gives_what_was_written_and_misses_what_was_not(region: Region, bits: int, address: int) -> None:
    memory = Memory(address + storage_bytes(int(np.prod(region.view)), bits))
    area = memory.area("x", address, whole(*region.view), bits)
    assert area.read(region)[1] > 0, "nothing was written"
    codes = np.random.default_rng(0).integers(-(1 << (bits - 1)), 1 << (bits - 1), region.shape)
    area.write(region, codes)
    found, missing = area.read(region)
    assert missing == 0
    assert found.tolist() == codes.tolist()
    other = memory.area("y", address, whole(1), 8)
    other.write(whole(1), np.array([1]))
    touched = 0 in np.arange(np.prod(region.view)).reshape(region.view)[region.within(whole(*region.view))] * bits // 8
    assert (area.read(region)[1] > 0) == touched, "its first byte was taken"


def test_scratchpad__puts_rows_together_and_names_those_that_are_not_there() -> None:
    pad = Scratchpad(64)
    view = (6, 2)
    for rows, address in (((0, 2), 0), ((2, 4), 32)):
        area = pad.open("x", address, Region(view, (rows, (0, 2))), 8, write=False)
        area.write(area.region, np.arange(4).reshape(2, 2) + 10 * rows[0])
    assert pad.find("x", Region(view, ((1, 4), (0, 2)))).tolist() == [[2, 3], [20, 21], [22, 23]]
    with pytest.raises(Exception, match="rows 4 to 4 are not in the scratchpad"):
        pad.find("x", Region(view, ((1, 5), (0, 2))))


@st.composite
def buffers(draw: st.DrawFn) -> list[PadBlock]:
    found = []
    for at in range(draw(st.integers(1, 12))):
        first = draw(st.integers(0, 8))
        stays = draw(st.booleans())
        last = draw(st.integers(first, 9)) if stays else first
        found.append(PadBlock(-1 if stays else first, f"b{at}", at, draw(st.integers(1, 40)), first, last))
    return found


@QUICK
@given(buffers(), st.integers(40, 200))
def test_lay_out__nothing_that_lives_together_overlaps(blocks: list[PadBlock], capacity: int) -> None:
    layout = lay_out(blocks, capacity)
    held = [sum(b.size_bytes for b in blocks if b.first <= time <= b.last) for time in range(10)]
    assert layout.held_bytes == most_held(blocks) == max(held)
    ends = [at + block.size_bytes for block, at in zip(layout.blocks, layout.addresses, strict=True)]
    assert layout.peak_bytes == max(ends) >= layout.held_bytes
    for i, (a, at) in enumerate(zip(layout.blocks, layout.addresses, strict=True)):
        for b, other in list(zip(layout.blocks, layout.addresses, strict=True))[:i]:
            apart = at + a.size_bytes <= other or other + b.size_bytes <= at
            assert apart or a.last < b.first or b.last < a.first, (a, at, b, other)


def test_lay_out__uses_both_ends_where_one_would_not_do() -> None:
    """Two stays that overlap in time, with buffers beside them that fill all the rest."""
    blocks = [PadBlock(-1, "a", 0, 2, 0, 1), PadBlock(-1, "b", 0, 2, 1, 2)]
    blocks += [PadBlock(time, "tile", 0, size, time, time) for time, size in ((0, 8), (1, 6), (2, 8))]
    layout = lay_out(blocks, 10)
    assert layout.peak_bytes == 10
    assert {one["buffer"] for one in layout.memory_map()} == {"a", "b", "tile"}
