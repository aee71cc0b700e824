"""Meaning of the columns of a SCALE-Sim table, by their headings, in whatever order they stand."""

import re
from dataclasses import dataclass
from typing import Literal

from lls_hw.models.spec.errors import SpecError

Kind = Literal["conv", "gemm"]

SPELLINGS: dict[str, tuple[str, ...]] = {
    "name": ("layer", "layers", "layername", "layerid", "name", "l"),
    "map_height": ("ifmapheight", "ifmaph", "inputheight", "inputh", "ih"),
    "map_width": ("ifmapwidth", "ifmapw", "inputwidth", "inputw", "iw"),
    "filter_height": ("filterheight", "filterh", "filtheight", "filth", "kernelheight", "kernelh", "fh"),
    "filter_width": ("filterwidth", "filterw", "filtwidth", "filtw", "kernelwidth", "kernelw", "fw"),
    "channels": ("channels", "channel", "numchannels", "numchannel", "inputchannels", "inchannels"),
    "filters": ("numfilter", "numfilters", "filters", "numberoffilters", "outputchannels", "outchannels"),
    "stride_height": ("strides", "stride", "strideheight", "strideh", "stridesh"),
    "stride_width": ("stridewidth", "stridew", "stridesw"),
    "batch": ("batch", "batchsize", "batches"),
    "m": ("m",),
    "n": ("n",),
    "k": ("k",),
    "sparsity": ("sparsity", "sparsityratio", "density"),
}
"""Every spelling of a heading that is understood, small letters and digits alone."""

REQUIRED: dict[Kind, tuple[str, ...]] = {
    "conv": ("map_height", "map_width", "filter_height", "filter_width", "channels", "filters", "stride_height"),
    "gemm": ("m", "n", "k"),
}
OPTIONAL: dict[Kind, tuple[str, ...]] = {
    "conv": ("name", "stride_width", "batch", "sparsity"),
    "gemm": ("name", "batch", "sparsity"),
}
_MEANING = {spelling: meaning for meaning, spellings in SPELLINGS.items() for spelling in spellings}


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A heading that has been understood: what kind of rows follow, and what each cell of them is."""

    kind: Kind
    meanings: tuple[str, ...]
    titles: tuple[str, ...]

    def used(self, longest_row: int) -> "Columns":
        """Without the optional columns at the end that no row reaches: their defaults hold."""
        count = len(self.meanings)
        while count > longest_row and self.meanings[count - 1] in OPTIONAL[self.kind]:
            count -= 1
        return Columns(kind=self.kind, meanings=self.meanings[:count], titles=self.titles[:count])

    def named(self, cells: list[str], where: str) -> tuple[dict[str, str], list[str]]:
        """A row's cells by their meaning, and those behind the last column; only a density may be empty.

        Raises
        ------
        SpecError : a cell is missing: the row was cut.
        """
        row = dict(zip(self.meanings, [*cells, *[""] * len(self.meanings)], strict=False))
        for title, meaning in zip(self.titles, self.meanings, strict=True):
            if not row[meaning] and meaning != "sparsity":
                need = f"it has no {title!r}, which the heading names"
                raise SpecError(where, ", ".join(cells), need, "Complete the row.")
        return row, cells[len(self.meanings) :]


def read_heading(titles: list[str], where: str) -> Columns:
    """Columns of a heading.

    A first column that means nothing else is the layer's name. A table that calls both sides of the
    map its width (some of SCALE-Sim's own do) has the height first.

    Raises
    ------
    SpecError : a column's meaning is not known, is there twice, or is missing.

    Examples
    --------
    >>> read_heading(["Layer", "K", "N", "M"], "t.csv, line 1").meanings
    ('name', 'k', 'n', 'm')
    """
    meanings = [_MEANING.get(re.sub(r"[^a-z0-9]", "", title.lower()), "") for title in titles]
    if "name" not in meanings and not meanings[0]:
        meanings[0] = "name"
    if meanings.count("map_width") == 2 and "map_height" not in meanings:
        meanings[meanings.index("map_width")] = "map_height"
    unknown = [title for title, meaning in zip(titles, meanings, strict=True) if not meaning]
    if unknown:
        raise SpecError(where, max(unknown, key=bool), "no column of that heading is known", _fix())
    for place, (title, meaning) in enumerate(zip(titles, meanings, strict=True)):
        if meaning in meanings[:place]:
            raise SpecError(where, title, "a second column of that meaning", "Remove one of them.")
    kind: Kind = "gemm" if {"m", "n", "k"} & set(meanings) else "conv"
    _check_complete(kind, titles, meanings, where)
    return Columns(kind=kind, meanings=tuple(meanings), titles=tuple(titles))


def _check_complete(kind: Kind, titles: list[str], meanings: list[str], where: str) -> None:
    for meaning in ("name", *REQUIRED[kind]):
        if meaning not in meanings:
            title = ", ".join(titles)
            raise SpecError(where, title, f"a {kind} table needs a column {words(meaning)!r}", _fix())
    for title, meaning in zip(titles, meanings, strict=True):
        if meaning not in REQUIRED[kind] + OPTIONAL[kind]:
            raise SpecError(where, title, f"a {kind} table has no such column", "Remove it.")


def words(meaning: str) -> str:
    """The heading as SCALE-Sim spells it, or ours.

    Examples
    --------
    >>> words("map_height"), words("m"), words("stride_width")
    ('IFMAP Height', 'M', 'Stride Width')
    """
    own = {"name": "Layer name", "filters": "Num Filter", "stride_height": "Strides"}
    return own.get(meaning, meaning.replace("map_", "IFMAP_").replace("_", " ").title().replace("Ifmap", "IFMAP"))


def _fix() -> str:
    conv = ", ".join(words(meaning) for meaning in ("name", *REQUIRED["conv"]))
    return f"Head the columns {conv}; or Layer name, M, N, K."
