"""
One worker against four on two simulated machines, on searches that wait for a system; then two of the four are killed.

The machines are network namespaces with host names of their own (root only; otherwise processes beside each other),
with one PostgreSQL between them. Every search waits SECONDS for its system, as web APIs and old databases let one wait.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

from crowd import Crowd, crowd
from frame import Figure, run, seconds

SECONDS = 2.0
#: Issue 13: from one worker to four.
LEAST = 3.0


def rate(made: Crowd, workers: int) -> float:
    """Searches per second."""
    with made.workers(workers):
        made.make_due()
        return made.cases / seconds(made.await_end)


def survived(made: Crowd) -> float:
    """How many searches were lost or done twice when two of four workers were killed in the middle."""
    done = sum(made.searched())
    with made.workers(4) as workers:
        made.make_due()
        made.wait_for(lambda: sum(made.searched()) >= done + made.cases // 3)
        for worker in workers[:2]:
            worker.kill()
        made.await_end()
    return abs(sum(made.searched()) - done - made.cases)


def measure(given: argparse.Namespace) -> Iterator[Figure]:
    with (
        tempfile.TemporaryDirectory(prefix="dsar-bench-") as folder,
        crowd(Path(folder), cases=given.cases, seconds=SECONDS) as made,
    ):
        one, four = rate(made, 1), rate(made, 4)
        where = "" if made.network.apart else ", all on one machine"
        yield Figure(
            what="distributed: searches per second with 4 workers on 2 machines",
            value=four / one,
            unit="times",
            least=LEAST,
            against="1 worker",
            detail=f"{one:.2f}/s, {four:.2f}/s, {made.cases} searches that wait {SECONDS:g} s each{where}",
        )
        yield Figure(
            what="distributed: searches lost or done twice, 2 of 4 workers killed",
            value=survived(made),
            unit="searches",
            most=0,
            detail=f"{made.cases} searches",
        )


if __name__ == "__main__":
    run(__doc__, measure, full={"cases": 60}, usual={"cases": 32}, small={"cases": 12})
