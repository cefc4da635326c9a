"""
How much longer `dsar --help` takes than an empty Python program; exit 1 above the limit.

Byte-compiles dsar first, as an installation is. Both are measured in turns, in processor time, and the
fastest of each counts, so that a busy machine disturbs little.
"""

import argparse
import compileall
import sys
from collections.abc import Iterator
from pathlib import Path

from frame import Figure, cost, run

LIMIT = 6.0
ROUNDS = 25
HELP = [sys.executable, "-m", "dsar", "--help"]
EMPTY = [sys.executable, "-c", "pass"]


def measure(_given: argparse.Namespace) -> Iterator[Figure]:
    compileall.compile_dir(Path(__file__).parents[1] / "dsar", quiet=1)
    rounds = [(cost(HELP).seconds, cost(EMPTY).seconds) for _ in range(ROUNDS)]
    help_s, empty_s = (min(times) for times in zip(*rounds, strict=True))
    yield Figure(
        what="CLI start: dsar --help",
        value=help_s / empty_s,
        unit="times",
        most=LIMIT,
        against="python -c pass",
        detail=f"{help_s * 1000:.0f} ms, {empty_s * 1000:.0f} ms of processors",
    )


if __name__ == "__main__":
    run(__doc__, measure)
