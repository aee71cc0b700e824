"""Reads the files of SCALE-Sim: topology tables (convolutions or matrix products) and the cfg's array.

A table is CSV (or separated by tabs) with one heading line, which says what the columns are
(`topology_columns`): a table of convolutions, whose map sizes already hold the padding, or one of
matrix products (M, K) @ (K, N). Every row has a cell for every column; N:M density may be left out,
and may stand in a last column without a heading. What follows the last comma of a row and is no
number, or starts with #, is a comment, as in SCALE-Sim.

As there, `DP` in a convolution's name marks a depthwise one: the row stands for one single-channel layer per channel,
each with all the filters it names. Only dense layers (N = M) are read.
"""

import configparser
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lls_hw.models.spec.base import read_text
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.quantities import CLOSED_SIDE, LAYER_SIZE, Whole
from lls_hw.models.topology_columns import Columns, read_heading, words

DEPTHWISE_CHANNELS = Whole(least=1, most=1 << 16)
"""A depthwise row becomes a layer a channel."""
_NUMERIC = re.compile(r"[-+.:0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvLayer:
    """A convolution over a map that is padded already."""

    name: str
    map_height: int
    map_width: int
    filter_height: int
    filter_width: int
    channels: int
    filters: int
    stride_height: int
    stride_width: int
    batch: int = 1

    def gemm(self, output_size: Literal["down", "up"]) -> tuple[int, int, int]:
        """(m, k, n) = (output pixels of the batch, window, filters).

        "down" counts the windows that fit, floor((L − F) / s) + 1; "up" also counts the one that
        overhangs the map's end, ceil((L − F) / s) + 1, as SCALE-Sim does.
        """
        sides = (
            (self.map_height - self.filter_height, self.stride_height),
            (self.map_width - self.filter_width, self.stride_width),
        )
        pixels = self.batch
        for room, stride in sides:
            pixels *= (-(-room // stride) if output_size == "up" else room // stride) + 1
        return pixels, self.filter_height * self.filter_width * self.channels, self.filters


@dataclass(frozen=True, slots=True, kw_only=True)
class GemmLayer:
    """A matrix product (m, k) @ (k, n)."""

    name: str
    m: int
    n: int
    k: int

    def gemm(self, output_size: Literal["down", "up"]) -> tuple[int, int, int]:
        """(m, k, n); nothing to round."""
        return self.m, self.k, self.n


TopologyLayer = ConvLayer | GemmLayer
Topology = tuple[TopologyLayer, ...]


def read_topology(path: Path) -> Topology:
    """Layers of a SCALE-Sim topology file, in order.

    Raises
    ------
    SpecError : the file cannot be read or a line cannot be a layer; the message holds the line's number.
    """
    return parse_topology(read_text(path), path.name)


def parse_topology(text: str, where: str = "topology") -> Topology:
    """Layers of a topology table given as text; `where` prefixes errors.

    Examples
    --------
    >>> parse_topology("Layer, M, N, K,\\nfc, 1, 2, 512,\\n")
    (GemmLayer(name='fc', m=1, n=2, k=512),)
    """
    lines = text.splitlines()
    separator = "\t" if lines and "," not in lines[0] and "\t" in lines[0] else ","
    heading = _trimmed(_cells(lines[0], separator)) if lines else []
    if not heading or any(cell.isdigit() for cell in heading[1:]):
        found = lines[0] if lines else ""
        raise SpecError(f"{where}, line 1", found, "the first line is a heading", "Insert a heading line.")
    rows = {
        f"{where}, line {number}": _trimmed(_cells(line, separator))
        for number, line in enumerate(lines[1:], start=2)
        if line.strip(", \t")
    }
    columns = read_heading(heading, f"{where}, line 1").used(max(map(len, rows.values()), default=0))
    layers = [layer for place, cells in rows.items() for layer in _row(columns, cells, place)]
    if not layers:
        raise SpecError(where, len(layers), "a topology has at least one layer", "Add a line per layer.")
    return tuple(layers)


def _cells(line: str, separator: str) -> list[str]:
    return [cell.strip() for cell in line.split(separator)]


def _trimmed(cells: list[str]) -> list[str]:
    """Without the empty cells at the end."""
    while cells and not cells[-1]:
        cells = cells[:-1]
    return cells


def _row(columns: Columns, cells: list[str], where: str) -> list[TopologyLayer]:
    """The layers one row stands for."""
    values, behind = columns.named(cells, where)
    name, density = values.pop("name"), values.pop("sparsity", "")
    if behind and not density and re.fullmatch(r"[0-9]+ *: *[0-9]+", behind[0]):
        density = behind.pop(0)
    if density:
        _check_dense(density, where)
    sizes = {meaning: LAYER_SIZE.read(where, text) for meaning, text in values.items()}
    _check_behind(behind, sizes, where)
    if columns.kind == "gemm":
        return [GemmLayer(name=name, m=sizes["m"] * sizes.get("batch", 1), n=sizes["n"], k=sizes["k"])]
    return _conv_rows(name, sizes, where)


def _check_behind(cells: list[str], sizes: dict[str, int], where: str) -> None:
    """Refuse numbers behind the last column; text is a comment.

    A lone 1 where the stride is 1 passes: read as a stride or as a batch it says nothing.
    """
    neutral = cells == ["1"] and sizes.get("stride_height", 1) == 1
    if cells and not neutral and not cells[0].startswith("#") and (len(cells) > 1 or _NUMERIC.fullmatch(cells[0])):
        need = f"{cells[0]!r} stands where the heading has no column"
        raise SpecError(where, ", ".join(cells), need, f"Name it, for example {words('stride_width')!r}, or remove it.")


def _conv_rows(name: str, sizes: dict[str, int], where: str) -> list[TopologyLayer]:
    """One convolution, or one a channel for a depthwise row."""
    if sizes["filter_height"] > sizes["map_height"] or sizes["filter_width"] > sizes["map_width"]:
        raise SpecError(where, name, "the filter is larger than the map", "Include the padding in the map's size.")
    sizes.setdefault("stride_width", sizes["stride_height"])
    if "DP" not in name:
        return [ConvLayer(name=name, **sizes)]
    channels = DEPTHWISE_CHANNELS.check(f"{where}: channels of a depthwise layer", sizes["channels"])
    alone = {**sizes, "channels": 1}
    return [ConvLayer(name=f"{name}Channel_{channel}", **alone) for channel in range(channels)]


def _check_dense(ratio: str, where: str) -> None:
    """N:M with N = M; sparsity is not modelled."""
    kept, _, of = ratio.partition(":")
    if LAYER_SIZE.read(where, kept.strip()) != LAYER_SIZE.read(where, of.strip()):
        raise SpecError(where, ratio, "only dense layers are modelled", "Use 1:1 or leave the column out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayConfig:
    """The array of a SCALE-Sim cfg; None where it says nothing. `dataflow` is in lower case, unchecked."""

    rows: int | None
    cols: int | None
    dataflow: str | None


def read_array_config(path: Path) -> ArrayConfig:
    """The array of a SCALE-Sim cfg; its memory sizes do not change compute cycles.

    Raises
    ------
    SpecError : the file cannot be read, has no [architecture_presets], or a value is not legal.
    """
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(read_text(path), source=path.name)
        section = parser["architecture_presets"]
    except (configparser.Error, KeyError) as error:
        need = f"it is not a SCALE-Sim configuration ({str(error).splitlines()[0]})"
        fix = "Give [architecture_presets] with ArrayHeight, ArrayWidth and Dataflow."
        raise SpecError("cfg", path.name, need, fix) from None
    sides = [
        None if section.get(name) is None else CLOSED_SIDE.read(f"{path.name}: {name}", section[name].strip())
        for name in ("ArrayHeight", "ArrayWidth")
    ]
    dataflow = section.get("Dataflow")
    return ArrayConfig(rows=sides[0], cols=sides[1], dataflow=None if dataflow is None else dataflow.strip().lower())
