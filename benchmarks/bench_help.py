"""
How much longer `dsar --help` takes than an empty Python program; exit 1 above the limit.

Byte-compiles dsar first, as an installation is. Both are measured in turns and the fastest of each counts, so that
a busy machine disturbs little.
"""

import compileall
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 6.0
ROUNDS = 25
HELP = [sys.executable, "-m", "dsar", "--help"]
EMPTY = [sys.executable, "-c", "pass"]


def seconds(command: list[str]) -> float:
    """How long *command* takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    """Measure, print, judge."""
    compileall.compile_dir(Path(__file__).parents[1] / "dsar", quiet=1)
    rounds = [(seconds(HELP), seconds(EMPTY)) for _ in range(ROUNDS)]
    help_s, empty_s = (min(times) for times in zip(*rounds, strict=True))
    ratio = help_s / empty_s
    print(
        f"dsar --help {help_s * 1000:.0f} ms, python -c pass {empty_s * 1000:.0f} ms, ratio {ratio:.1f}, limit {LIMIT}"
    )
    sys.exit(ratio > LIMIT)


if __name__ == "__main__":
    main()
