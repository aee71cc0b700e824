"""Text between the marks of a page, `<!-- mark -->` and `<!-- end mark -->`."""

from pathlib import Path


def write_between(path: Path, mark: str, text: str) -> None:
    """Put the text in place of what stands between two marks of a page."""
    head, _, rest = path.read_text().partition(f"<!-- {mark} -->")
    tail = rest.partition(f"<!-- end {mark} -->")[2]
    path.write_text(f"{head}<!-- {mark} -->\n\n{text}\n\n<!-- end {mark} -->{tail}")
