"""
A command of staff with the settings of a small installation, then with others: what the second run costs.

    python benchmarks/command_alone.py SMALL/settings.ini LARGE/settings.ini stats --month 2026-05

Prints seconds of the processor and the most memory in MB. The start of the program takes longer than thousands of
cases, and sways by as much as they take; so it is not counted.
"""

import os
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

from frame import peak_mb

from dsar.cli import main


def run(small: str, large: str, *command: str) -> None:
    """One and the other."""
    with Path(os.devnull).open("w", encoding="ascii") as nowhere, redirect_stdout(nowhere):
        main(["--settings", small, *command], standalone_mode=False)
        began = time.process_time()
        main(["--settings", large, *command], standalone_mode=False)
        took = time.process_time() - began
    print(took, peak_mb())


if __name__ == "__main__":
    run(*sys.argv[1:])
