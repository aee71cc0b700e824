"""Shipped descriptions by name, and the user's own by path: networks, chips, technologies."""

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar

from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.base import Spec, read_toml
from lls_hw.models.spec.choices import chosen
from lls_hw.models.spec.dram_device import DramDeviceSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.imported import import_attribute, is_imported
from lls_hw.models.spec.memory import NO_DRAM
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.technology import TechnologySpec

Shelf = Literal["nets", "chips", "technology", "dram"]
SpecT = TypeVar("SpecT", bound=Spec)


def names(shelf: Shelf) -> tuple[str, ...]:
    """Names of the shipped descriptions on a shelf, sorted."""
    folder = resources.files("lls_hw.models") / shelf
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load(shelf: Shelf, name: str, spec: type[SpecT], where: str) -> SpecT:
    """A shipped description by name, or a user's by the path of its TOML file.

    Raises
    ------
    SpecError : no such name or file, or the file does not describe a `spec`.
    """
    if name.endswith(".toml"):
        path = Path(name)
        data = read_toml(path)
        _refuse_another_kind(shelf, data, name, where)
        return spec.from_mapping(data, path.name)
    fix = "Choose one of them or give a path that ends in .toml."
    shipped = chosen(where, name, names(shelf), "the shipped ones are", fix)
    with resources.as_file(resources.files("lls_hw.models") / shelf / f"{shipped}.toml") as path:
        return spec.from_toml(path)


SHELVES: dict[Shelf, tuple[str, type[Spec]]] = {
    "nets": ("a network", NetworkSpec),
    "chips": ("a chip", AcceleratorSpec),
    "technology": ("a technology", TechnologySpec),
    "dram": ("a kind of DRAM", DramDeviceSpec),
}


def _refuse_another_kind(shelf: Shelf, data: dict[str, Any], name: str, where: str) -> None:
    """A description of something else, given where one of this shelf is wanted: most of its keys are the other's."""

    def known(one: Shelf) -> int:
        return sum(key in SHELVES[one][1].model_fields for key in data)

    likely = max(SHELVES, key=known)
    if known(likely) > known(shelf):
        (found, _), (wanted, _) = SHELVES[likely], SHELVES[shelf]
        raise SpecError(where, name, f"this file describes {found}, not {wanted}", f"Give the file of {wanted}.")


def load_network(name: str) -> NetworkSpec:
    """A network by name, TOML path, or `module:attr` (a `NetworkSpec` in importable Python).

    Raises
    ------
    SpecError : nothing of that name, or it is not a network.
    """
    if is_imported(name):
        return import_attribute("--net", name, NetworkSpec)
    return load("nets", name, NetworkSpec, "--net")


def dram_device(chip: AcceleratorSpec, where: str = "chip.dram.device") -> DramDeviceSpec | None:
    """The kind of DRAM behind a chip; None where it has none. `where` is the key or option that named it.

    Raises
    ------
    SpecError : nothing of that name, or the file does not describe a device.
    """
    name = chip.dram.device
    return None if name == NO_DRAM else _device(name, where)


@lru_cache(maxsize=64)
def _device(name: str, where: str) -> DramDeviceSpec:
    return load("dram", name, DramDeviceSpec, where)
