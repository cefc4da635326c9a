"""
Many scenarios, one after the other; what `make test-hard` runs.

    make test-hard FAULTS=1000 SEED=1     until so many faults have happened
    make test-hard SECONDS=600            or for so long; the seed is chosen and printed
    make test-hard SEED=17 SCENARIOS=1    one of them again
"""

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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


def main(arguments: Sequence[str]) -> int:
    """Play, print, judge."""
    parser = argparse.ArgumentParser(description="Faults at random, and the promises after them.")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--faults", type=int, default=None, help="End after so many.")
    parser.add_argument("--seconds", type=float, default=None, help="End after so long.")
    parser.add_argument("--scenarios", type=int, default=None, help="End after so many.")
    parser.add_argument("--at-once", type=int, default=50, help="Faults in one scenario.")
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
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended, too
    counted: Counter[str] = Counter()
    bad: list[int] = []
    began, played = time.monotonic(), 0
    try:
        with servers_in(folder) as servers:
            while not (
                (given.faults and counted.total() >= given.faults)
                or (given.seconds and time.monotonic() - began > given.seconds)
                or (given.scenarios and played >= given.scenarios)
            ):
                report = play(servers, seed + played, folder, faults=given.at_once, kind=given.database)
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
    say(f"{counted.total()} faults in {played} scenarios from seed {seed}, {time.monotonic() - began:.0f} s: {told}")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
