"""Write the output that the README shows anew: `python scripts/readme_output.py`.

The block behind `<!-- output: COMMAND -->` becomes the command's real output, cut to a screenful:
`...` stands for lines left out. The float reference's lines are left out because their last digit
depends on the processor. `tests/docs/test_readme.py` checks the block line by line.
"""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
SHOWN = re.compile(r"(<!-- output: lls-hw (.*?) -->\n```text\n)(.*?)(```)", re.DOTALL)
FIRST_ROWS, LAST_ROWS = 14, 6


def screenful(output: str) -> str:
    """The first and last rows of the long table, the totals, the closing lines."""
    lines = [line.rstrip() for line in output.splitlines()]
    totals = lines.index("totals of one training step")
    floats = next(i for i, line in enumerate(lines) if line.startswith("first step, fixed point"))
    closing = next(i for i, line in enumerate(lines) if line.startswith("MACs count"))
    kept = [*lines[:FIRST_ROWS], "...", *lines[totals - LAST_ROWS : floats], "...", *lines[closing:]]
    return "\n".join(kept) + "\n"


def main() -> int:
    """Rewrite every shown block."""

    def fresh(match: re.Match[str]) -> str:
        run = subprocess.run(["lls-hw", *match[2].split()], capture_output=True, text=True, check=True)
        return match[1] + screenful(run.stdout) + match[4]

    README.write_text(SHOWN.sub(fresh, README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
