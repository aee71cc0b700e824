"""Shipped descriptions by name, and the user's own by path: networks, chips, technologies."""

import importlib
import sys
from importlib import resources
from pathlib import Path
from typing import Literal, TypeVar

from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.network import NetworkSpec

Shelf = Literal["nets", "chips", "technology"]
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
        return spec.from_toml(Path(name))
    if name not in names(shelf):
        known = ", ".join(names(shelf))
        raise SpecError(
            where, name, f"the shipped ones are {known}", "Choose one of them or give a path that ends in .toml."
        )
    with resources.as_file(resources.files("lls_hw.models") / shelf / f"{name}.toml") as path:
        return spec.from_toml(path)


def file_of(name: str) -> Path | None:
    """The user's own file behind a name that was loaded: a TOML file, or the source of a module."""
    if name.endswith(".toml"):
        return Path(name)
    source = getattr(sys.modules.get(name.partition(":")[0]), "__file__", None) if ":" in name else None
    return None if source is None else Path(source)


def load_network(name: str) -> NetworkSpec:
    """A network by name, TOML path, or `module:attr` (a `NetworkSpec` in importable Python).

    Raises
    ------
    SpecError : nothing of that name, or it is not a network.
    """
    if ":" in name and not name.endswith(".toml"):
        return _from_module(name)
    return load("nets", name, NetworkSpec, "--net")


def _from_module(name: str) -> NetworkSpec:
    module_name, _, attribute = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise SpecError(
            "--net", name, f"it cannot be imported ({error})", "Write module:attr with both present."
        ) from None
    finally:
        sys.path.remove(str(Path.cwd()))
    if not isinstance(found, NetworkSpec):
        raise SpecError(
            "--net", name, f"it is a {type(found).__name__}, not a NetworkSpec", "Build one with lls_hw.NetworkSpec."
        )
    return found
