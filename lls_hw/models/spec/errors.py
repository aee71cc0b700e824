"""The one error a user's description can cause, and any other exception in one line."""

import traceback
from collections.abc import Callable

_MOST_SHOWN = 300


class SpecError(ValueError):
    """A description the user wrote cannot hold; the message alone is enough to repair it.

    The text is always ``where = found: need. fix.``, on one line.

    Parameters
    ----------
    where : path of the key or option, such as ``chip.sram_bytes`` or ``--net``.
    found : the offending value.
    need : what would have been accepted, and why.
    fix : what to type instead.

    Examples
    --------
    >>> str(SpecError("--bits", "1", "a signed word needs 2 bits", "Use 2 to 16."))
    "--bits = '1': a signed word needs 2 bits. Use 2 to 16."
    """

    def __init__(self, where: str, found: object, need: str, fix: str) -> None:
        super().__init__(f"{where} = {shown(found)}: {' '.join(need.split())}. {fix}")
        self.where = where

    def __reduce__(self) -> tuple[Callable[..., "SpecError"], tuple[type["SpecError"], str, str]]:
        """Its text, from which another process makes it again."""
        return _made_again, (type(self), str(self), self.where)


def _made_again(kind: type[SpecError], text: str, where: str) -> SpecError:
    error = kind.__new__(kind, text)
    error.where = where
    return error


def in_one_line(error: Exception) -> str:
    """An unexpected exception, with the place where it happened."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(str(error).split())[:_MOST_SHOWN]
    return f"{type(error).__name__}: {text} ({last.filename.rpartition('/lls_hw/')[2]}:{last.lineno})"


def shown(found: object) -> str:
    """A value as messages show it: its `repr`, cut in the middle where it is long.

    Examples
    --------
    >>> shown("8x8"), len(shown("9" * 5000))
    ("'8x8'", 301)
    """
    try:
        text = repr(found)
    except ValueError:  # Python spells no integer of more than some thousand digits
        return "a number of thousands of digits"
    half = _MOST_SHOWN // 2
    return text if len(text) <= _MOST_SHOWN else f"{text[:half]}…{text[-half:]}"
