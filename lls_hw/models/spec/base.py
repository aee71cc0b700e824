"""Common base of the descriptions: frozen, no unknown keys, errors in the house form."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from lls_hw.models.spec.choices import nearest
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
    "greater_than_equal": ("it is at least {ge}", "Use a larger number."),
    "greater_than": ("it is above {gt}", "Use a larger number."),
    "less_than_equal": ("it is at most {le}", "Use a smaller number."),
    "less_than": ("it is below {lt}", "Use a smaller number."),
    "multiple_of": ("it is a multiple of {multiple_of}", "Use one."),
    "finite_number": ("it is a finite number", "Write digits."),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), ("it takes a whole number", "Write digits alone.")),
    **dict.fromkeys(("float_type", "float_parsing"), ("it takes a number", "Write digits, without quotes.")),
    **dict.fromkeys(("bool_type", "bool_parsing"), ("it is true or false", "Write one of them, without quotes.")),
    **dict.fromkeys(("tuple_type", "list_type"), ("it takes a list", "Write [a, b, ...].")),
    **dict.fromkeys(("model_type", "dict_type", "model_attributes_type"), ("it takes a table", "Give its keys.")),
    "literal_error": ("it is one of {expected}", "Choose one of them."),
    "union_tag_invalid": ("its kind is one of {expected_tags}", "Choose one of them."),
    "union_tag_not_found": ("it needs a kind", "Give it one."),
    "string_type": ("it takes a text", "Write it in quotes."),
    "string_too_short": ("it cannot be empty", "Write something."),
    "string_too_long": ("it has at most {max_length} characters", "Shorten it."),
    "string_pattern_mismatch": ("it does not match {pattern}", "Use letters, digits, _ and - alone."),
    "too_short": ("it has at least {min_length} entries", "Add one."),
}
"""By pydantic's type of error: the need, with its figures, and the fix."""


def _spec_error(error: ValidationError, where: str) -> SpecError:
    """The first complaint of pydantic, in the house form."""
    found_all = error.errors(include_url=False)
    first = found_all[0]
    path = ".".join([where, *(str(part) for part in first["loc"])])
    inner = first.get("ctx", {}).get("error")
    if isinstance(inner, SpecError):
        return _NestedSpecError(_beneath(path, inner))
    if isinstance(inner, _NoNumberError):
        return SpecError(f"{path}.{inner.key}", inner.value, "it takes a number", "Write digits, without quotes.")
    if first["type"] not in _NEEDS:
        return SpecError(
            path, first["input"], first["msg"].removeprefix("Value error, ").rstrip("."), "Correct the value."
        )
    need, fix = _NEEDS[first["type"]]
    if first["type"] == "missing":
        return _missing_key(path, first["loc"], [other["loc"] for other in found_all if other["type"] == _STRAY])
    if first["type"] == "literal_error" and isinstance(first["input"], str):
        near = nearest(first["input"], first["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", "))
        fix = fix if near is None else f"Did you mean '{near}'? {fix}"
    return SpecError(path, first["input"], need.format(**first.get("ctx", {})), fix)


_STRAY = "extra_forbidden"


def _missing_key(path: str, place: tuple[int | str, ...], strays: list[tuple[int | str, ...]]) -> SpecError:
    """A required key is not there; an unknown key beside it is likely meant for it."""
    need, fix = _NEEDS["missing"]
    beside = [str(stray[-1]) for stray in strays if stray[:-1] == place[:-1]]
    close = nearest(str(place[-1]), beside) or (beside[0] if len(beside) == 1 else None)
    if close is not None:
        need, fix = f"{need}, and there is no key '{close}', which stands beside it", f"Did you mean '{place[-1]}'?"
    return SpecError(path, "nothing", need, fix)


def _beneath(path: str, inner: SpecError) -> str:
    """The text of an error inside a table: its key, where it is a plain one, becomes the end of the path."""
    if not inner.where.isidentifier():
        return f"{path}: {inner}"
    above = path.removesuffix(f".{inner.where}")
    return f"{above}.{inner}"


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
