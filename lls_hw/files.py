"""Writing files whole or not at all, and the text of the JSON in them."""

import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lls_hw.models.spec.errors import SpecError


def package_version() -> str:
    """Version of the installed package."""
    try:
        return version("lls-hw")
    except PackageNotFoundError:
        return "0+unknown"


def json_text(data: Mapping[str, Any] | list[Any]) -> str:
    """Strict JSON: no NaN, no infinity."""
    return json.dumps(data, indent=1, allow_nan=False, default=_plain) + "\n"


def _plain(value: Any) -> Any:  # noqa: ANN401  (json hands over whatever it does not know)
    if hasattr(value, "item"):
        number = value.item()
        return number if not isinstance(number, float) or math.isfinite(number) else None
    raise AssertionError(f"{type(value).__name__} is not plain data")


def refuse_bad_target(option: str, path: str) -> None:
    """Refuse, before any work, a file that could not be written.

    Raises
    ------
    SpecError : its folder does not exist or cannot be written, or it is a folder itself.
    """
    target = Path(path)
    folder = target.parent
    if not folder.is_dir():
        raise SpecError(option, path, f"the folder '{folder}' does not exist", "Create it first.")
    if target.is_dir():
        raise SpecError(option, path, "it is a folder", "Give the name of a file.")
    if not os.access(folder, os.W_OK):
        raise SpecError(option, path, f"the folder '{folder}' cannot be written", "Choose another.")


def write_whole(path: str, text: str) -> None:
    """Write a file so that it is there whole or not at all.

    Raises
    ------
    SpecError : the disk refuses.
    """
    with whole_file(path) as name:
        Path(name).write_text(text, encoding="utf-8")


@contextmanager
def whole_file(path: str) -> Iterator[str]:
    """A name to write to; the file takes its own when that has ended well.

    Raises
    ------
    SpecError : the disk refuses.
    """
    target = Path(path)
    name = ""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        os.close(handle)
        yield name
        Path(name).chmod(0o644)
        Path(name).replace(target)
    except OSError as error:
        need = f"it cannot be written ({error.strerror or error})"
        raise SpecError("file", path, need, "Make room, or choose another.") from None
    finally:
        if name:
            Path(name).unlink(missing_ok=True)
