"""
What one mail costs to sort, and that a long one costs no more than its length; exit 1 above a limit.

Every labelled mail is sorted several times and the fastest time of each counts, so that a busy machine disturbs little.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from frame import Figure, run

from dsar.mime import read_mail
from dsar.model import InboundMail, SenderAuthentication
from dsar.triage import triage
from dsar.triage.opinion import Opinion

MAILS = Path(__file__).parents[1] / "tests" / "mails"
#: Milliseconds, processor time on one core.
MOST_MEDIAN, MOST_HIGHEST, MOST_OPINION = 1.0, 50.0, 0.3  # the first two as issue 5 promises
#: Times as long for a text ten times as long.
MOST_GROWTH = 14.0
ROUNDS = 5
_HEAD = b"From: Anna Ek <anna.ek@mejl.example>\nMessage-ID: <1@x>\nContent-Type: text/plain; charset=utf-8\n\n"
_WORDS = "Jag vill att ni raderar mina uppgifter om det går. Vi har en skrivare på plan 2. "


def milliseconds(work: Callable[[], object]) -> float:
    """The fastest of a few runs."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        times.append((time.process_time() - began) * 1000)
    return min(times)


def sort(mail: InboundMail) -> Callable[[], object]:
    """What is measured."""
    return lambda: triage(mail, sender_authentication=SenderAuthentication.NONE)


def long_mail(times: int) -> InboundMail:
    """A mail of so many sentences."""
    return read_mail(_HEAD + (_WORDS * times).encode())


def measure(given: argparse.Namespace) -> Iterator[Figure]:
    mails = [read_mail(path.read_bytes()) for path in sorted(MAILS.rglob("*.eml"))[:: 20 if given.small else 1]]
    for mail in mails:
        sort(mail)()  # words are looked up once
    costs = sorted(milliseconds(sort(mail)) for mail in mails)
    median, highest = statistics.median(costs), costs[int(len(costs) * 0.999)]
    texts = [[sentence for sentence in mail.own_text.split(". ") if sentence] for mail in mails]
    opinion = statistics.median(milliseconds(partial(Opinion.of, text)) for text in texts)
    growth = milliseconds(sort(long_mail(300))) / milliseconds(sort(long_mail(30)))
    for what, value, most in (
        ("median", median, MOST_MEDIAN),
        ("99.9th percentile", highest, MOST_HIGHEST),
        ("second opinion", opinion, MOST_OPINION),
    ):
        yield Figure(what=f"triage of {len(mails)} mails: {what}", value=value, unit="ms", most=most)
    yield Figure(
        what="triage: time for 10 times the text",
        value=growth,
        unit="times",
        most=MOST_GROWTH,
        against="a tenth of the text",
    )


if __name__ == "__main__":
    run(__doc__, measure)
