"""
What one mail costs to sort, and that a long one costs no more than its length; exit 1 above a limit.

Every labelled mail is sorted several times and the fastest time of each counts, so that a busy machine disturbs little.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dsar.mime import read_mail
from dsar.model import InboundMail, SenderAuthentication
from dsar.triage import triage
from dsar.triage.opinion import Opinion

MAILS = Path(__file__).parents[1] / "tests" / "mails"
#: Milliseconds, processor time on one core.
MOST_MEDIAN, MOST_HIGHEST, MOST_OPINION = 3.0, 50.0, 0.3  # the aim is a median of 1.0
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


def main() -> None:
    """Measure, print, judge."""
    mails = [read_mail(path.read_bytes()) for path in sorted(MAILS.rglob("*.eml"))]
    for mail in mails:
        sort(mail)()  # words are looked up once
    costs = sorted(milliseconds(sort(mail)) for mail in mails)
    median, highest = statistics.median(costs), costs[int(len(costs) * 0.999)]
    texts = [[sentence for sentence in mail.own_text.split(". ") if sentence] for mail in mails]
    opinion = statistics.median(milliseconds(partial(Opinion.of, text)) for text in texts)
    growth = milliseconds(sort(long_mail(300))) / milliseconds(sort(long_mail(30)))
    print(
        f"{len(mails)} mails: median {median:.2f} ms (limit {MOST_MEDIAN}), 99.9th percentile {highest:.1f} ms"
        f" (limit {MOST_HIGHEST}), second opinion {opinion:.2f} ms (limit {MOST_OPINION});"
        f" ten times the text {growth:.1f} times the time (limit {MOST_GROWTH})"
    )
    sys.exit(median > MOST_MEDIAN or highest > MOST_HIGHEST or opinion > MOST_OPINION or growth > MOST_GROWTH)


if __name__ == "__main__":
    main()
