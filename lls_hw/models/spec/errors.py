"""The one error a user's description can cause."""


class SpecError(ValueError):
    """A description the user wrote cannot hold; the message alone is enough to repair it.

    The text is always ``where = found: need. fix.``

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
        super().__init__(f"{where} = {found!r}: {need}. {fix}")
        self.where = where
