"""
Whether the clock may be believed where what it says cannot be undone.

What the law lets us keep no longer is erased for good on its day. A clock that leaps (a battery, a restored machine, a
time server that lies) would bring that day early, so the last time at which dsar worked is kept, and after a leap
nothing is erased by the calendar until a person says that the clock is right. All else goes on: mails are read, and
letters wait for people anyway. What was put off or leased until a time that lies months ahead, once the clock is set
right, is due at once.
"""

from datetime import datetime, timedelta

from dsar.casework.context import App
from dsar.errors import ClockLeaptError
from dsar.store import Transaction
from dsar.store.tables import HealthMark

#: Name of the incident; it holds up no mail.
PROBLEM = "clock"

_MARK, _LEAPT = "clock", "clock_leapt"
#: Longer than a holiday without the program, shorter than any time in [retention].
_LEAP = timedelta(days=8)
#: The time is noted so often.
_EVERY = timedelta(hours=1)
#: Clocks of machines that work together differ by less.
_BETWEEN_MACHINES = timedelta(minutes=1)


def beat(app: App, *, now: datetime) -> None:
    """Note that the program works at *now*, unless the clock has leapt there; a clock that was put back counts anew."""
    with app.store.transaction(read_only=True) as tx:
        last, leapt = tx.mark(_MARK), tx.mark(_LEAPT)
        leapt_unseen = tx.is_held_beyond(now + _LEAP)  # and was set right before the next look
    since = now - last.at if last is not None else None
    if since is not None and since > _LEAP:
        if leapt is None or leapt.at <= now - _LEAP:
            with app.store.transaction() as tx:
                tx.set_mark(_LEAPT, at=now)
        return
    set_back = since is not None and since < -_BETWEEN_MACHINES
    if since is None or set_back or since >= _EVERY:
        with app.store.transaction() as tx:
            tx.set_mark(_MARK, at=now)
    if set_back or leapt_unseen or leapt is not None:
        _take_up_again(app, leapt, now=now)


def _take_up_again(app: App, leapt: HealthMark | None, *, now: datetime) -> None:
    """For an hour after the clock is right: a step that began by the wrong one may end, and be put off by it, later."""
    with app.store.transaction() as tx:
        tx.take_up_again(now=now)
        if leapt is None or leapt.at > now + _BETWEEN_MACHINES:
            tx.set_mark(_LEAPT, at=now)
        elif now - leapt.at >= _EVERY:
            tx.remove_mark(_LEAPT)


def is_over(last: HealthMark | None, *, every: timedelta, now: datetime) -> bool:
    """Whether what is done *every* so often is due."""
    return last is None or has_passed(every, since=last.at, now=now)


def has_passed(time: timedelta, *, since: datetime, now: datetime) -> bool:
    """Whether so much time has passed; also where *since* lies ahead, by a clock that had leapt."""
    return not -_BETWEEN_MACHINES < now - since < time


def leapt_from(tx: Transaction, *, now: datetime) -> datetime | None:
    """When the program last worked, if the clock is suspiciously far past that; None: it may be believed."""
    last = tx.mark(_MARK)
    return last.at if last is not None and now - last.at > _LEAP else None


def demand_believable(tx: Transaction, *, now: datetime) -> None:
    """Raises: ClockLeaptError: what cannot be undone waits for a person."""
    if before := leapt_from(tx, now=now):
        raise ClockLeaptError(before, now)


def believe(app: App, *, actor: str, now: datetime) -> None:
    """A member of staff says that the clock is right."""
    with app.store.transaction() as tx:
        before = leapt_from(tx, now=now)
        if before is not None:
            tx.set_mark(_MARK, at=now)
            tx.record("clock_believed", actor=actor, at=now, detail={"before": f"{before:%Y-%m-%d}"})
