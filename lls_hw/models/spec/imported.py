"""Objects of a user's own Python, by the `module:attr` that names them."""

import importlib
import sys
from pathlib import Path
from typing import TypeVar

from lls_hw.models.spec.errors import SpecError

FoundT = TypeVar("FoundT")
_MISSING = object()


def is_imported(name: str) -> bool:
    """Whether a name means importable Python.

    Examples
    --------
    >>> is_imported("my_rules:SIGN"), is_imported("lls"), is_imported("C:/nets/small.toml")
    (True, False, False)
    """
    return ":" in name and not name.endswith(".toml")


def import_attribute(where: str, name: str, wanted: type[FoundT]) -> FoundT:
    """The attribute that `module:attr` names; modules of the current directory are found too.

    Raises
    ------
    SpecError : no such module or attribute, the module fails when imported, or the attribute is no `wanted`.
    """
    module_name, _, attribute = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module_name), attribute, _MISSING)
    except Exception as error:  # a user's module may raise whatever it likes
        need = f"it cannot be imported ({error})"
        raise SpecError(where, name, need, "Write module:attr with both present.") from None
    finally:
        sys.path.remove(str(Path.cwd()))
    if found is _MISSING:
        need = f"module '{module_name}' has no attribute '{attribute}'"
        raise SpecError(where, name, need, "Write module:attr with both present.")
    if not isinstance(found, wanted):
        kind = wanted.__name__
        raise SpecError(where, name, f"it is a {type(found).__name__}, not a {kind}", f"Build one with lls_hw.{kind}.")
    return found


def file_of(name: str) -> Path | None:
    """The user's own file behind a name that was loaded: a TOML file, or the source of a module."""
    if name.endswith(".toml"):
        return Path(name)
    source = getattr(sys.modules.get(name.partition(":")[0]), "__file__", None) if is_imported(name) else None
    return None if source is None else Path(source)
