"""Mappings that the user fixes: tile sizes and loop order of named ops, checked before anything runs."""

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.ops.products import Product
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec, MappingPin
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.memory import DramSpec
from lls_hw.sim.mapping.axes import TileAxis, chunk_axis, cut_images, cut_rows
from lls_hw.sim.mapping.choice import Choice
from lls_hw.sim.mapping.nest import Dim, Nest
from lls_hw.sim.mapping.search import IMPOSSIBLE_BYTES, candidates_of, score


def pin_of(chip: AcceleratorSpec, op: Op) -> MappingPin | None:
    """The pin of an op, if the user gave one."""
    return next((pin for pin in chip.mapping if _matches(pin, op)), None)


def _matches(pin: MappingPin, op: Op) -> bool:
    return (
        isinstance(op, Product)
        and (pin.layer, pin.stage) == (op.layer, op.stage)
        and pin.direction in (None, op.direction)
    )


def check_pins(program: Program, chip: AcceleratorSpec) -> None:
    """Every pin names exactly one product of the program.

    Raises
    ------
    SpecError : it names none, or several.
    """
    products = [op for op in program.ops if isinstance(op, Product)]
    for index, pin in enumerate(chip.mapping):
        found = [op for op in products if _matches(pin, op)]
        if len(found) == 1 and sum(_matches(other, found[0]) for other in chip.mapping) == 1:
            continue
        where, name = f"mapping.op.{index}", f"{pin.layer} {pin.stage}"
        if not found:
            here = [f"{op.layer} {op.stage} {op.direction}" for op in products if op.layer == pin.layer]
            known = here or list(dict.fromkeys(op.layer for op in products))
            raise SpecError(where, name, f"there is no such product; there are {', '.join(known)}", "Name one of them.")
        need = "it is pinned twice" if len(found) == 1 else "several products have this layer and stage"
        raise SpecError(where, name, need, "Pin each product once, with its direction where the stage has several.")


def pinned_choice(nest: Nest, pin: MappingPin, dram: DramSpec, depth: int) -> Choice:
    """The pin as a scored choice.

    Raises
    ------
    SpecError : a size exceeds its loop, or the order cannot carry the tiles.
    """
    where = f"mapping of {pin.layer} {pin.stage}"
    rows = _rows(nest, pin, where)
    ins, outs = _channels(pin.in_channels, nest.in_c, f"{where}.in_channels"), _outs(nest, pin, where)
    if pin.order not in nest.orders:
        raise SpecError(f"{where}.order", pin.order, f"the orders are {', '.join(nest.orders)}", "Choose one of them.")
    axes: dict[Dim, tuple[TileAxis, ...]] = {"r": (rows,), "i": (ins,), "o": (outs,)}
    choice = score(nest, dram, depth, axes).choice(nest.orders.index(pin.order))
    if choice.need_bytes > IMPOSSIBLE_BYTES:
        need = "an input gradient cut along rows passes halo sums on, which only order iro can"
        raise SpecError(f"{where}.order", pin.order, need, "Write order iro, or give images instead of rows.")
    return choice


def _rows(nest: Nest, pin: MappingPin, where: str) -> TileAxis:
    if (pin.rows is None) == (pin.images is None):
        need = "a tile has some output rows of one image, or some whole images"
        raise SpecError(f"{where}.rows", pin.rows, need, "Give either rows or images.")
    height = len(nest.windows)
    if pin.images is not None:
        if pin.images > nest.batch:
            need = f"the batch has {nest.batch} images"
            raise SpecError(f"{where}.images", pin.images, need, f"Write at most {nest.batch}.")
        return cut_images(nest.batch, pin.images, nest.in_h, nest.windows)
    assert pin.rows is not None
    if pin.rows >= height:
        need = f"the output map has {height} rows"
        raise SpecError(f"{where}.rows", pin.rows, need, f"Write less than {height}, or images = 1.")
    return cut_rows(nest.batch, pin.rows, nest.in_h, nest.windows)


def _channels(size: int | None, length: int, where: str) -> TileAxis:
    if size is not None and size > length:
        raise SpecError(where, size, f"the loop has {length} channels", f"Write at most {length}.")
    return chunk_axis(length, size or length)


def _outs(nest: Nest, pin: MappingPin, where: str) -> TileAxis:
    if nest.shared and pin.out_channels is not None:
        need = "a depthwise convolution has one kind of channels"
        raise SpecError(f"{where}.out_channels", pin.out_channels, need, "Cut in_channels instead.")
    return _channels(pin.out_channels, 1 if nest.shared else nest.out_c, f"{where}.out_channels")


def refuse_oversized(
    nest: Nest, pin: MappingPin, dram: DramSpec, depth: int, *, need_bytes: int, budget_bytes: int
) -> None:
    """Complain about a pinned tile that does not fit, with sizes that would.

    Raises
    ------
    SpecError : `need_bytes` exceed `budget_bytes`.
    """
    if need_bytes <= budget_bytes:
        return
    table = candidates_of(nest, dram, depth)
    order = nest.orders.index(pin.order)
    fits = [
        (int(moved), flat)
        for flat, (moved, need) in enumerate(
            zip(table.dram_bytes[order].ravel(), table.need_bytes[order].ravel(), strict=True)
        )
        if need <= budget_bytes
    ]
    per_order = table.dram_bytes[order].size
    advice = "Choose smaller tiles."
    if fits:
        choice = table.choice(order * per_order + min(fits)[1])
        advice = f"These sizes fit: {choice.sizes()}."
    need = f"a tile needs {need_bytes} bytes of scratchpad and {budget_bytes} are there"
    raise SpecError(f"mapping of {pin.layer} {pin.stage}", _sizes(pin), need, advice)


def _sizes(pin: MappingPin) -> str:
    rows = f"{pin.rows} rows" if pin.rows is not None else f"{pin.images} images"
    channels = f"{pin.in_channels or 'all'} in x {pin.out_channels or 'all'} out"
    return f"{rows} x {channels}"
