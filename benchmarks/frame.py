"""
What the benchmarks share: figures with limits, told as a table by one script and as JSON lines to collect.py.

A figure is a ratio to something named that was measured in the same run wherever there is such a thing, so that it
means the same on another machine.
"""

import argparse
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

#: Linear: over ten times the work, time grows with it to this power at most. Ten times the work takes then 12.6 times
#: as long, where measuring itself sways by a tenth; sorting (n log n) would have 1.12 here, and anything quadratic 2.
MOST_POWER: Final = 1.1
#: Shorter than this nothing can be told apart.
_LEAST_SECONDS: Final = 0.05
#: Flat: ten times the work may take this many times the memory of the whole process, input and results included.
MOST_MEMORY_GROWTH: Final = 1.25


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the table."""

    what: str
    value: float
    unit: str  #: "times", "MB", "s", "ms", "per s"
    least: float | None = None  #: What the issue promises; None: no lower limit.
    most: float | None = None
    against: str = ""  #: What it is a ratio to.
    detail: str = ""  #: The absolute figures behind it.

    @property
    def missed(self) -> bool:
        """Whether a promise is not kept."""
        return (self.least is not None and self.value < self.least) or (
            self.most is not None and self.value > self.most
        )

    @property
    def limit(self) -> str:
        """In words."""
        if self.least is not None:
            return f"at least {self.least:g}"
        return f"at most {self.most:g}" if self.most is not None else "-"


def absent(what: str, reference: str) -> Figure:
    """Nothing can be said, because *reference* is not installed; that is no promise kept."""
    return Figure(what=what, value=math.nan, unit="", against=reference, detail=f"{reference} is not installed")


def cells(figure: Figure) -> Sequence[str]:
    """A row of the table."""
    value = f"{figure.value:,.0f}" if figure.value >= 100 else f"{figure.value:.3g}"
    verdict = "MISSED" if figure.missed else "ok" if figure.limit != "-" else ""
    return figure.what, f"{value} {figure.unit}", figure.against, figure.limit, verdict, figure.detail


HEAD: Final = ("What", "Value", "Against", "Limit", "", "Measured")


def table(figures: Iterable[Figure]) -> Iterator[str]:
    """Lines in columns."""
    rows = [HEAD, *(cells(each) for each in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def run(
    description: str,
    measure: Callable[[argparse.Namespace], Iterable[Figure]],
    *,
    full: dict[str, int] | None = None,
    usual: dict[str, int] | None = None,
    small: dict[str, int] | None = None,
) -> None:
    """
    Measure, print, end with 1 if a limit is missed.

    Args: full: sizes of --full, as the issues name them, each an option; usual: those that take minutes, where they are
    others; small: those of --small, which only tries whether all works.
    """
    parser = argparse.ArgumentParser(description=description.strip().splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON lines")
    parser.add_argument("--small", action="store_true", help="small sizes, whose figures say little")
    parser.add_argument("--full", action="store_true", help="the sizes of the promises, which may take an hour")
    sizes = {**(full or {}), **(usual or {})}
    for name, size in sizes.items():
        parser.add_argument(f"--{name}", type=int, help=f"{size:,} unless said")
    given = parser.parse_args()
    sizes |= (small or {}) if given.small else (full or {}) if given.full else {}
    for name, size in sizes.items():
        if getattr(given, name) is None:
            setattr(given, name, size)
    figures = []
    for figure in measure(given):
        figures.append(figure)
        if given.json:
            print(json.dumps(asdict(figure), ensure_ascii=False), flush=True)
    if not given.json:
        print("\n".join(table(figures)))
    sys.exit(any(each.missed for each in figures))


def seconds(action: Callable[[], object]) -> float:
    """How long *action* takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a process took, its children included."""

    seconds: float  #: Of processors, so that a busy machine changes little.
    memory_mb: float  #: At most at one time, of the largest process.


#: Starts a command and tells its seconds and kB. The kernel counts the memory of whoever starts a process as the first
#: memory of that process, so a small one must.
_LAUNCHER = """
import os, sys
out = os.open(os.devnull, os.O_WRONLY)
process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, out, 1)])
_, status, used = os.wait4(process, 0)
print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def cost(command: Sequence[str], *, ends_with: Sequence[str] = ("0",), **environment: str) -> Cost:
    """Run *command* to its end. Args: ends_with: exit codes that are as they should be."""
    launcher = [sys.executable, "-S", "-E", "-c", _LAUNCHER, *command]
    told = subprocess.run(
        launcher, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    exit_code, took, kilobytes = told.split()
    assert exit_code in ends_with, f"{' '.join(command)}: {exit_code}"
    return Cost(seconds=float(took), memory_mb=int(kilobytes) / 1024)


def alone(command: Sequence[str], **environment: str) -> Cost:
    """Run a *command* that tells what its work costs, by `telling_cost`, and nothing else."""
    told = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True)
    took, megabytes = map(float, told.stdout.split())
    return Cost(seconds=took, memory_mb=megabytes)


@contextmanager
def telling_cost() -> Iterator[None]:
    """Print what the block costs; the start of a program takes as long as a thousand mails, and sways by as much."""
    before = _processor_seconds()
    yield
    print(_processor_seconds() - before, peak_mb(), flush=True)


def _processor_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def peak_mb() -> float:
    """Most memory of this process since its program began; not of whoever started it, as getrusage tells it."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def growth(what: str, costs: Mapping[int, Sequence[Cost]], *, idle: Cost) -> Iterator[Figure]:
    """
    How time and memory grow with the work.

    Args: costs: {amount of work: rounds}; of the times the shortest counts, of the memory the middle one. idle: what
    doing nothing costs, which is taken off the times.
    """
    amounts = sorted(costs)
    times = [min(each.seconds for each in costs[amount]) - idle.seconds for amount in amounts]
    memory = [statistics.median(each.memory_mb for each in costs[amount]) for amount in amounts]
    told = " / ".join(f"{amount:,}" for amount in amounts)
    longs = [math.log(amount) for amount in amounts]
    yield Figure(
        what=f"{what}: time grows with the work to the power of",
        value=statistics.linear_regression(longs, [math.log(max(each, _LEAST_SECONDS)) for each in times]).slope,
        unit="",
        most=MOST_POWER,
        against="linear is 1, quadratic 2",
        detail=f"{told}: {' / '.join(f'{each:.2f}' for each in times)} s of processors",
    )
    yield Figure(
        what=f"{what}: memory for {amounts[-1] // amounts[0]} times the work",
        value=memory[-1] / memory[0],
        unit="times",
        most=MOST_MEMORY_GROWTH,
        against="the least work",
        detail=f"{told}: {' / '.join(f'{each:.0f}' for each in memory)} MB",
    )
