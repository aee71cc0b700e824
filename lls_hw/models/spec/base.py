"""Common base of the descriptions: frozen, no unknown keys, errors in the house form."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from lls_hw.models.spec.errors import SpecError


class Spec(BaseModel):
    """Base of every description: frozen, hashable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_numbers(cls, data: object) -> object:
        """Neither `true` nor a text stands for a number; the parser would make one of both."""
        for key, value in data.items() if isinstance(data, Mapping) else ():
            several = value if isinstance(value, list | tuple) else (value,)
            is_no_number = any(isinstance(one, bool | str) for one in several)
            if is_no_number and key in cls.model_fields and _holds_numbers(cls.model_fields[key].annotation):
                raise _NoNumberError(key, value)
        return data

    @classmethod
    def from_mapping(cls, data: Mapping[str, Any], where: str) -> Self:
        """Validate plain data; `where` prefixes the path of the key in errors.

        Raises
        ------
        SpecError : a key is unknown, missing, or holds an impossible value.
        """
        try:
            return cls.model_validate(dict(data))
        except ValidationError as error:
            raise _spec_error(error, where) from None

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """Read one description from a TOML file (repeated keys are refused by the parser)."""
        return cls.from_mapping(read_toml(path), path.name)


def _holds_numbers(kind: object) -> bool:
    """Whether a type is a number, a tuple of numbers, or one of them or None; a union with a text is not."""
    if isinstance(kind, type) and not get_args(kind):
        return issubclass(kind, int | float) and not issubclass(kind, bool)
    parts = [get_args(part)[0] if get_origin(part) is Annotated else part for part in get_args(kind)]
    return bool(parts) and all(part in (int, float, Ellipsis, type(None)) for part in parts)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; every way it can fail is a `SpecError`."""
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # its own error, and Python's for endless digits or brackets
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error).partition(";")[0]
        raise SpecError("file", str(path), f"it is not valid TOML ({why})", "Repair that line.") from None


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, without the byte-order mark that some editors put first.

    Raises
    ------
    SpecError : it is missing, cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SpecError("file", str(path), "it does not exist", "Check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError("file", str(path), f"it cannot be read ({error})", "Give a UTF-8 text file.") from None


_NEEDS = {
    "extra_forbidden": ("no such key", "Remove it or correct its spelling."),
    "missing": ("this key is required", "Add it."),
}


def _spec_error(error: ValidationError, where: str) -> SpecError:
    """The first complaint of pydantic, in the house form."""
    first = error.errors(include_url=False)[0]
    path = ".".join([where, *(str(part) for part in first["loc"])])
    inner = first.get("ctx", {}).get("error")
    if isinstance(inner, SpecError):
        return _NestedSpecError(f"{path}: {inner}")
    if isinstance(inner, _NoNumberError):
        return SpecError(f"{path}.{inner.key}", inner.value, "it takes a number", "Write digits, without quotes.")
    default = (first["msg"].removeprefix("Value error, ").rstrip("."), "Correct the value.")
    need, fix = _NEEDS.get(first["type"], default)
    found = "nothing" if first["type"] == "missing" else first["input"]
    return SpecError(path, found, need, fix)


class _NoNumberError(ValueError):
    """A key of a description that wants a number holds something else."""

    def __init__(self, key: str, value: object) -> None:
        super().__init__(key)
        self.key, self.value = key, value


class _NestedSpecError(SpecError):
    """A `SpecError` raised inside a validator, its text prefixed by the key's path."""

    def __init__(self, text: str) -> None:
        ValueError.__init__(self, text)
        self.where = text.partition(" = ")[0]
