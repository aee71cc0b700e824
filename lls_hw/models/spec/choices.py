"""Names that people choose from a list: one reader for all of them."""

from collections.abc import Iterable

from lls_hw.models.spec.errors import SpecError

_LONGEST = 64
"""Letters of a name that are compared; a pasted page is like none."""


def spelled(name: str, known: Iterable[str]) -> str | None:
    """The known name that is meant, if any: capitals do not count, and a hyphen may stand for an underscore.

    Examples
    --------
    >>> spelled("LLS-M", ["bp", "lls_m"]), spelled("llsm", ["lls_m"])
    ('lls_m', None)
    """
    names = list(known)
    if name in names:
        return name
    lowered = name.lower()
    forms = (lowered, lowered.replace("-", "_"))
    return next((one for form in forms for one in names if one.lower() == form), None)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that differs least from a misspelt one, capitals, hyphens and underscores aside.

    Examples
    --------
    >>> nearest("edge16x16", ["edge_16x16", "edge_8x8"]), nearest("zzz", ["edge_8x8"])
    ('edge_16x16', None)
    """
    from difflib import get_close_matches  # only a mistake needs it

    letters = {_letters(one): one for one in known}
    close = get_close_matches(_letters(name)[:_LONGEST], letters, n=1)
    return letters[close[0]] if close else None


def chosen(
    where: str, name: str, known: Iterable[str], need: str, fix: str = "Choose one of them.", *, typed: str = ""
) -> str:
    """The known name that is meant; `need` introduces the list in the refusal, `fix` ends it.

    `typed` is what the refusal shows, where the name is a part of it.

    Raises
    ------
    SpecError : none is meant; it names the nearest, if one is near.

    Examples
    --------
    >>> chosen("--dataflow", "WS", ["ws", "os"], "the dataflows are")
    'ws'
    """
    names = list(known)
    found = spelled(name, names)
    if found is None:
        near = nearest(name, names)
        hint = "" if near is None else f"Did you mean '{near}'? "
        raise SpecError(where, typed or name, f"{need} {', '.join(names)}", f"{hint}{fix}")
    return found


def _letters(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())
