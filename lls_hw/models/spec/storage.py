"""Bytes that codes take."""


def storage_bytes(elements: int, bits: int) -> int:
    """Bytes that `elements` codes of `bits` bits occupy when packed without gaps.

    Examples
    --------
    >>> storage_bytes(3, 4), storage_bytes(8, 8)
    (2, 8)
    """
    return -(-elements * bits // 8)
