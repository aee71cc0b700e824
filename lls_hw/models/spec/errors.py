"""The one error a user's description can cause."""

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
