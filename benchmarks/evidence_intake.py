"""
Many mails taken in while the program is killed again and again: every mail exactly once. Run by hand, once.

    nice -n 15 .venv/bin/python benchmarks/evidence_intake.py            10,000 mails, at least 50 kills

Mails are written into the Maildir in lots while `dsar`'s poll runs in a process that is killed at random moments; in
the middle some mails are moved back and the mailbox is numbered anew. Prints the figures of docs/evidence.md.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parent)]

import mailboxes
from journeys.company import Company
from journeys.killed_intake import POLL, Tally, await_or_kill, move_back, tally
from servers import SmtpSink, dovecot

LOTS = 20


def take_in(company: Company, mails: int, least_kills: int) -> tuple[Tally, int]:
    """What is stored in the end, and the number of kills."""
    dice, kills = random.Random(50), 0
    contents = mailboxes.mails(mails)
    for number in range(LOTS):
        first, end = (mails * each // LOTS for each in (number, number + 1))
        mailboxes.fill(company.dovecot, company.user, islice(contents, end - first), first=first)
        while kills < least_kills * (number + 1) / LOTS:
            kills += await_or_kill(company, dice.uniform(0.4, 1.6))
        if number in (LOTS // 2, LOTS - 1):
            subprocess.run([*POLL, str(company.settings)], check=True)
            move_back(company, f"1:{mails // 10}")
            company.dovecot.renumber(company.user)
        print(f"{end} delivered, {kills} kills", file=sys.stderr)
    subprocess.run([*POLL, str(company.settings)], check=True)
    return tally(company), kills


def main(arguments: Sequence[str]) -> None:
    """Run, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=50)
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="dsar-evidence-"))
    folder.chmod(0o755)  # Dovecot reads mail as another user than root
    began = time.monotonic()
    try:
        with dovecot(folder / "dovecot") as server:
            found, kills = take_in(
                Company(folder / "company", server, SmtpSink(None), "privacy"), given.mails, given.kills
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{given.mails} mails, {kills} kills, {time.monotonic() - began:.0f} s: {found}")
    exact = (found.messages, found.distinct, found.done, found.inbox) == (given.mails, given.mails, given.mails, 0)
    sys.exit(not exact or kills < given.kills)


if __name__ == "__main__":
    main(sys.argv[1:])
