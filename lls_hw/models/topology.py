"""Reads the files of SCALE-Sim: topology tables (convolutions or matrix products) and the cfg's array.

A table is CSV with one heading line; a trailing comma is optional. Two kinds of row:

conv  name, map height, map width, filter height, filter width, channels, filters, stride
      [, stride along the width] [, N:M density]. Map sizes already hold the padding.
GEMM  name, M, N, K [, N:M density]: (M, K) @ (K, N).

As there, `DP` in a convolution's name marks a depthwise one: the row stands for one single-channel layer per channel,
each with all the filters it names. Only dense layers (N = M) are read.
"""

import configparser
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lls_hw.models.spec.accelerator import Dataflow
from lls_hw.models.spec.errors import SpecError

GEMM_HEADING = ("m", "n", "k")
GEMM_FIELDS, CONV_FIELDS = 3, 7


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

    def gemm(self, output_size: Literal["down", "up"]) -> tuple[int, int, int]:
        """(m, k, n) = (output pixels, window, filters).

        "down" counts the windows that fit, floor((L − F) / s) + 1; "up" also counts the one that
        overhangs the map's end, ceil((L − F) / s) + 1, as SCALE-Sim does.
        """
        sides = (
            (self.map_height - self.filter_height, self.stride_height),
            (self.map_width - self.filter_width, self.stride_width),
        )
        pixels = 1
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


Layer = ConvLayer | GemmLayer
Topology = tuple[Layer, ...]


def read_topology(path: Path) -> Topology:
    """Layers of a SCALE-Sim topology file, in order.

    Raises
    ------
    SpecError : the file cannot be read or a line cannot be a layer; the message holds the line's number.
    """
    return parse_topology(_text(path), path.name)


def parse_topology(text: str, where: str = "topology") -> Topology:
    """Layers of a topology table given as text; `where` prefixes errors.

    Examples
    --------
    >>> parse_topology("Layer, M, N, K,\\nfc, 1, 2, 512,\\n")
    (GemmLayer(name='fc', m=1, n=2, k=512),)
    """
    lines = text.splitlines()
    heading = _cells(lines[0]) if lines else []
    if not heading or any(cell.isdigit() for cell in heading[1:]):
        found = lines[0] if lines else ""
        raise SpecError(f"{where}, line 1", found, "the first line is a heading", "Insert a heading line.")
    if len(heading) in (GEMM_FIELDS + 1, GEMM_FIELDS + 2):
        _check_gemm_heading(heading, f"{where}, line 1")
    layers: list[Layer] = []
    for number, line in enumerate(lines[1:], start=2):
        if line.strip(", \t"):
            layers += _row(_cells(line), f"{where}, line {number}", line.strip())
    if not layers:
        raise SpecError(where, len(layers), "a topology has at least one layer", "Add a line per layer.")
    return tuple(layers)


def read_array_config(path: Path) -> tuple[int, int, Dataflow]:
    """(rows, columns, dataflow) of a SCALE-Sim cfg; its memory sizes do not change compute cycles."""
    parser = configparser.ConfigParser()
    try:
        parser.read_string(_text(path), source=path.name)
        section = parser["architecture_presets"]
        rows, cols, dataflow = section["ArrayHeight"], section["ArrayWidth"], section["Dataflow"].strip().lower()
    except (configparser.Error, KeyError) as error:
        need = f"it is not a SCALE-Sim configuration ({str(error).splitlines()[0]})"
        fix = "Give [architecture_presets] with ArrayHeight, ArrayWidth and Dataflow."
        raise SpecError("cfg", path.name, need, fix) from None
    sizes = [_size(text, f"{path.name}: {name}") for name, text in (("ArrayHeight", rows), ("ArrayWidth", cols))]
    flows: dict[str, Dataflow] = {"ws": "ws", "os": "os", "is": "is"}
    if dataflow not in flows:
        raise SpecError(f"{path.name}: Dataflow", dataflow, "no such dataflow", "Use ws, os or is.")
    return sizes[0], sizes[1], flows[dataflow]


def _text(path: Path) -> str:
    """A file's text; every way it can fail is a `SpecError`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SpecError("file", str(path), "it does not exist", "Check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError("file", str(path), f"it cannot be read ({error})", "Give a UTF-8 text file.") from None


def _cells(line: str) -> list[str]:
    """Trimmed cells of a line, empty ones at its end dropped."""
    cells = [cell.strip() for cell in line.split(",")]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _check_gemm_heading(heading: list[str], where: str) -> None:
    """A heading that names M, N and K in another order contradicts the columns' meaning."""
    names = tuple(cell.lower() for cell in heading[1 : GEMM_FIELDS + 1])
    if sorted(names) == sorted(GEMM_HEADING) and names != GEMM_HEADING:
        raise SpecError(where, ", ".join(heading), "the columns are M, N, K in this order", "Reorder the columns.")


def _row(cells: list[str], where: str, line: str) -> list[Layer]:
    """The layers one row stands for."""
    if len(cells) > GEMM_FIELDS and ":" in cells[-1]:
        _check_dense(cells.pop(), where)
    if len(cells) not in (GEMM_FIELDS + 1, CONV_FIELDS + 1, CONV_FIELDS + 2) or not cells[0]:
        need = f"a row has a name and {GEMM_FIELDS} (GEMM), {CONV_FIELDS} or {CONV_FIELDS + 1} (conv) numbers"
        raise SpecError(where, line, need, "Add or remove columns.")
    sizes = [_size(cell, where) for cell in cells[1:]]
    if len(sizes) == GEMM_FIELDS:
        return [GemmLayer(name=cells[0], m=sizes[0], n=sizes[1], k=sizes[2])]
    return _conv_rows(cells[0], sizes, where, line)


def _conv_rows(name: str, sizes: list[int], where: str, line: str) -> list[Layer]:
    """One convolution, or one a channel for a depthwise row."""
    height, width, filter_height, filter_width, channels, filters, stride = sizes[:CONV_FIELDS]
    if filter_height > height or filter_width > width:
        raise SpecError(where, line, "the filter is larger than the map", "Include the padding in the map's size.")
    depthwise = "DP" in name
    names = [f"{name}Channel_{channel}" for channel in range(channels)] if depthwise else [name]
    return [
        ConvLayer(
            name=each,
            map_height=height,
            map_width=width,
            filter_height=filter_height,
            filter_width=filter_width,
            channels=1 if depthwise else channels,
            filters=filters,
            stride_height=stride,
            stride_width=sizes[-1],
        )
        for each in names
    ]


def _check_dense(ratio: str, where: str) -> None:
    """N:M with N = M; sparsity is not modelled."""
    kept, _, of = ratio.partition(":")
    if _size(kept, where) != _size(of, where):
        raise SpecError(where, ratio, "only dense layers are modelled", "Use 1:1 or leave the column out.")


def _size(text: str, where: str) -> int:
    """A positive whole number."""
    if not (text.strip().isdecimal() and text.strip().isascii() and int(text) > 0):
        raise SpecError(where, text, "a size is a positive whole number", "Correct the number.")
    return int(text)
