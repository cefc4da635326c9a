"""
Many scenarios, one after the other; what `make test-hard` runs.

    make test-hard FAULTS=1000 SEED=1     until so many faults have happened
    make test-hard SECONDS=600 JOBS=2     or for so long, two at once; the seed is chosen and printed
    make test-hard SEED=17 SCENARIOS=1    one of them again
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from multiprocessing import active_children, get_context
from multiprocessing.util import Finalize
from pathlib import Path

from databases import running_postgresql
from servers import dovecot, make_tls

from .place import unproven
from .scenario import Report, Servers, play
from .steps import expected, never


@contextmanager
def servers_in(folder: Path) -> Iterator[Servers]:
    """What all scenarios share."""
    with dovecot(folder / "dovecot") as server, running_postgresql() as postgresql:
        tls = make_tls(folder / "tls")
        yield Servers(dovecot=server, tls=tls, postgresql=postgresql)


def say(words: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def tell(report: Report) -> None:
    """One line for a scenario, and how to repeat it if a promise was broken."""
    look = report.look
    told = f"{look.database}, {look.workers} worker(s), {look.epoch}, {'TLS' if look.tls else 'plain'}"
    count = sum(report.faults.values())
    say(f"seed {report.seed}: {count} faults, {report.closed} requests closed, {report.seconds:.0f} s ({told})")
    for words in report.broken:
        say(f"  BROKEN {words}")
    if report.broken:
        say(f"  again: make test-hard SEED={report.seed} SCENARIOS=1")


_lane = ExitStack()  #: In a process that plays: its servers.
_servers: list[Servers] = []


def _open_lane(folder: Path) -> None:
    """Servers for this process alone: a scenario crashes its database, and others play beside it."""
    own = folder / f"lane-{os.getpid()}"
    own.mkdir()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended, too
    _servers.append(_lane.enter_context(servers_in(own)))
    Finalize(_lane, _lane.close, exitpriority=1)  # a process of a pool runs nothing else at its end


def _play(seed: int, folder: Path, faults: int, kind: str) -> Report:
    return play(_servers[0], seed, folder, faults=faults, kind=kind)


def reports(given: argparse.Namespace, seed: int, folder: Path) -> Iterator[Report]:
    """Play scenarios, some side by side, until it is enough."""
    began, faults, at = time.monotonic(), 0, seed

    def enough() -> bool:
        return bool(
            (given.faults and faults >= given.faults)
            or (given.seconds and time.monotonic() - began > given.seconds)
            or (given.scenarios and at >= seed + given.scenarios)
        )

    with ProcessPoolExecutor(given.jobs, get_context("spawn"), _open_lane, (folder,)) as lanes:
        under_way: set[Future[Report]] = set()
        try:
            while under_way or not enough():
                while len(under_way) < given.jobs and not enough():
                    under_way.add(lanes.submit(_play, at, folder, given.at_once, given.database))
                    at += 1
                ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                for each in ended:
                    report = each.result()
                    faults += report.faults.total()
                    yield report
        except BaseException:
            for lane in active_children():
                lane.terminate()
            raise


def main(arguments: Sequence[str]) -> int:
    """Play, print, judge."""
    parser = argparse.ArgumentParser(description="Faults at random, and the promises after them.")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--faults", type=int, default=None, help="End after so many.")
    parser.add_argument("--seconds", type=float, default=None, help="End after so long.")
    parser.add_argument("--scenarios", type=int, default=None, help="End after so many.")
    parser.add_argument("--jobs", type=int, default=1, help="Scenarios that are played side by side.")
    parser.add_argument("--at-once", type=int, default=100, help="Faults in one scenario.")
    parser.add_argument("--database", default="", help="sqlite or postgresql; otherwise as the dice fall.")
    parser.add_argument("--keep", type=Path, default=None, help="Where the data of a broken scenario stay.")
    given = parser.parse_args(arguments)
    if not (given.faults or given.seconds or given.scenarios):
        given.faults = 1000
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(1_000_000)
    for words in unproven():
        say(f"NOT PROVEN HERE, {words}")
    folder = given.keep or Path(tempfile.mkdtemp(prefix="dsar-faults-"))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)  # Dovecot reads mail as another user than root
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and so do those that play
    counted: Counter[str] = Counter()
    bad: list[int] = []
    began, played = time.monotonic(), 0
    try:
        for report in reports(given, seed, folder):
            tell(report)
            counted += report.faults
            bad += [report.seed] if report.broken else []
            played += 1
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    say(json.dumps(dict(counted.most_common()), indent=1))
    missing = never(counted)
    say(f"{len(missing)} of {len(list(expected()))} kinds and steps never happened, so they were not tried")
    for name in missing:
        say(f"  {name}")
    told = f"broken: seeds {bad}" if bad else "every promise was kept"
    took = time.monotonic() - began
    say(f"{counted.total()} faults in {played} scenarios from seed {seed}, {took:.0f} s: {told}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
