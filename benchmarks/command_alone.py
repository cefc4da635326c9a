"""
A command of staff with the settings of a small installation, then with others: what the second run costs.

    python benchmarks/command_alone.py SMALL/settings.ini LARGE/settings.ini stats --month 2026-05

Prints seconds of the processor and the most memory in MB.
"""

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path

from frame import telling_cost

from dsar.cli import main


def run(small: str, large: str, *command: str) -> None:
    """One and the other."""
    with Path(os.devnull).open("w", encoding="ascii") as nowhere, redirect_stdout(nowhere):
        main(["--settings", small, *command], standalone_mode=False)
    with telling_cost(), Path(os.devnull).open("w", encoding="ascii") as nowhere, redirect_stdout(nowhere):
        main(["--settings", large, *command], standalone_mode=False)


if __name__ == "__main__":
    run(*sys.argv[1:])
