"""
Due steps -> done steps.

Effects: runs use cases; reads the clock. A step is leased while it runs, so that a step of a killed worker is done by
the next one; what fails is tried again later, and what keeps failing stays visible in `dsar work`.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from dsar import dispatch, guard
from dsar.beside import repeated
from dsar.casework import chaining, intake, lots, sending, timekeeping
from dsar.casework.context import App
from dsar.errors import DsarError, RefusedError, TemporaryError, TooManyMailsError
from dsar.inbox import Line
from dsar.steps import STEPS, Tools
from dsar.store import SORTING
from dsar.store.tables import Work

log = logging.getLogger(__name__)

_LEASE = timedelta(minutes=10)

#: Seconds until the next try, by number of tries so far; the last one repeats.
_RETRY_SECONDS = (5, 30, 120, 600, 1800, 3600)

#: A mail whose sorting failed so often for unknown reasons goes before a person.
_SORT_TRIES = 3

#: Seconds between two times that events are chained while steps are due, which may be for hours.
_CHAIN_SECONDS = 5.0

#: Mails that are sorted together, and their bytes, about; seconds in a row before other steps have their turn, as long.
_LOT_MAILS, _LOT_BYTES = 100, 1 << 20
_SORT_SECONDS = 10.0

#: So often may the program die while it sorts a mail, until that mail goes before a person.
_DEATHS = 5


_OTHERS = STEPS.keys() - {"sort"}


def worker_name() -> str:
    """Who this process is, for leases: host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def free_dead(app: App, *, but: Collection[str] = ()) -> int:
    """
    Take the leases of processes of this host that no longer exist; how many. Otherwise their time must run out.

    Args: but: names of those that are missed by their beats.
    """
    host, _, _ = worker_name().partition(":")
    with app.store.transaction() as tx:
        names = {name for name in tx.lease_holders() if name.startswith(f"{host}:") and name not in but}
        dead = [name for name in names if not _is_alive(int(name.rpartition(":")[2]))]
        return tx.free_leases(dead, now=datetime.now(UTC))


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def run_due(
    tools: Tools,
    *,
    told: Callable[[int], None] = lambda _tried: None,
    stopped: Callable[[], bool] = lambda: False,
    sort_seconds: float = _SORT_SECONDS,
) -> int:
    """
    Do everything that is due now, and what becomes due by it, or until *stopped*.

    New mail is read before all else, but for half of the time while other steps are due.
    Args: told: is told before each step how many were tried; sort_seconds: so long in a row mail is read.
    Returns: number of steps tried.
    """
    tried, chained_at, others_until = 0, time.monotonic(), 0.0
    name = worker_name()
    timekeeping.beat(tools.app, now=datetime.now(UTC))
    with tools.app.store.transaction() as tx:
        # nothing is under way here: it is left of steps that a lost database kept from ending
        tx.free_leases([name], now=datetime.now(UTC))
    with _one_line(tools) as kept:
        while not stopped():
            if time.monotonic() - chained_at > _CHAIN_SECONDS:
                _chain(tools.app, name)
                chained_at = time.monotonic()
            now, began = datetime.now(UTC), time.monotonic()
            with tools.app.store.transaction() as tx:
                others = tx.claim(name, now=now, lease=_LEASE, steps=_OTHERS) if began < others_until else None
                work = others or tx.claim(name, now=now, lease=_LEASE, steps=STEPS)
            if work is None:
                break
            told(tried)
            if work.step == "sort" and work.attempts == 1:
                tried += sort_due(tools, first=work, seconds=sort_seconds)
                others_until = 2 * time.monotonic() - began
                continue
            tried += 1
            run_step(kept, work, now=now)
    _chain(tools.app, name)
    return tried


@contextmanager
def _one_line(tools: Tools) -> Iterator[Tools]:
    """The same tools, with one connection to the mailbox for all steps that need it."""
    line = Line(tools.open_inbox)
    try:
        yield replace(tools, open_inbox=line.lent)
    finally:
        line.drop()


def sort_due(tools: Tools, *, first: Work | None = None, seconds: float = _SORT_SECONDS) -> int:
    """
    Sort the mails that came, in lots: while one lot is settled here, the next is being read in the guarded children.

    Args: first: claimed already; seconds: after so many other steps have their turn.
    Returns: how many were tried. Those that failed before are not among them: each is taken alone.
    """
    held: list[Work] = []  # by every lot under way
    tried, until = 0, time.monotonic() + seconds
    with _kept(tools.app, held, _LEASE), ThreadPoolExecutor(guard.AT_ONCE, "reader") as readers:
        lot = _next_lot(tools, readers, held, [first] if first else [], most=_LOT_MAILS)
        while lot.works:
            tried += len(lot.works)
            goes_on = time.monotonic() < until
            following = _next_lot(tools, readers, held, [], most=_LOT_MAILS if goes_on else 0)
            _settle(tools, lot)
            held[: len(lot.works)] = []
            lot = following
    with tools.app.store.transaction() as tx:
        tx.give_lease(SORTING, worker_name())
    return tried


def _next_lot(tools: Tools, readers: Executor, held: list[Work], works: list[Work], *, most: int) -> lots.Lot:
    """Claim more mails than *works* to sort, and have all of them read."""
    more = most - len(works)
    if more > 0:
        with tools.app.store.transaction() as tx:
            works += tx.claim_sorting(
                worker_name(), now=datetime.now(UTC), lease=_LEASE, most=more, most_bytes=_LOT_BYTES
            )
    held += works
    try:
        return lots.begin(tools.app, works, readers)
    except DsarError as error:  # each is taken alone, and the one that it is about will fail again
        log.warning("lot not read", extra={"error": type(error).__name__})
        return lots.Lot(works=tuple(works), readings={})


def _settle(tools: Tools, lot: lots.Lot) -> None:
    """Do the steps of a lot: together what can be, the rest one by one."""
    now = datetime.now(UTC)
    try:
        left = lots.settle_unrelated(tools.app, lot, now=now)
    except Exception as error:  # noqa: BLE001  # nothing was done: whichever mail it is about, the others go on alone
        log.warning("lot not settled", extra={"error": type(error).__name__})
        left = [(work, None) for work in lot.works]
    for work, examined in left:
        _run(tools, work, partial(intake.sort, tools.app, work.subject_id, now=now, examined=examined), now=now)


def _chain(app: App, name: str) -> None:
    """Chain what happened, a lot per transaction."""
    while chaining.chain(app, holder=name, now=datetime.now(UTC)):
        pass


def run_step(tools: Tools, work: Work, *, now: datetime, lease: timedelta = _LEASE) -> None:
    """Do one step, claimed for *lease*, which is renewed; failing postpones it and never stops the others."""
    with _kept(tools.app, [work], lease):
        if work.step == "sort" and work.attempts > _DEATHS:
            intake.set_aside(tools.app, work.subject_id, error="ProcessDied", now=now)
        _run(tools, work, partial(STEPS[work.step], tools, work, now), now=now, gives=work.lock)


def _run(tools: Tools, work: Work, step: Callable[[], None], *, now: datetime, gives: str = "") -> None:
    """Args: gives: name of the lease that ends with the step; "": it is needed for others."""
    try:
        with tools.app.vault.opened_once():
            step()
    except Exception as error:  # noqa: BLE001  # the one place: whatever a mail or a system does, the others go on
        _failed(tools.app, work, error, now=now)
        if gives:
            with tools.app.store.transaction() as tx:
                tx.give_lease(gives, work.worker)
    else:
        with tools.app.store.transaction() as tx:
            tx.finish(work)
            if gives:
                tx.give_lease(gives, work.worker)


@contextmanager
def _kept(app: App, works: Sequence[Work], lease: timedelta) -> Iterator[None]:
    """
    Renew the leases of steps while they run: a big search or apply may take longer than one lease.

    Args: works: as they are then; the caller may change the list meanwhile.
    """

    def renew() -> None:
        with app.store.transaction() as tx:
            for work in tuple(works):
                tx.renew(work, until=datetime.now(UTC) + lease)

    with repeated(renew, every=(lease / 3).total_seconds()):  # if it fails, the next one or the step itself will tell
        yield


def _failed(app: App, work: Work, error: Exception, *, now: datetime) -> None:
    """The class of the error is logged, never its text, which may quote a person (P9)."""
    kind = type(error).__name__
    log.warning("step failed", extra={"step": work.step, "subject": work.subject_id, "error": kind})
    if work.step == "sort" and _is_hopeless(work, error):
        intake.set_aside(app, work.subject_id, error=kind, now=now)
        with app.store.transaction() as tx:
            tx.finish(work)
        return
    if isinstance(error, TooManyMailsError):  # nothing was tried, so nothing is given up
        with app.store.transaction() as tx:
            tx.postpone(work, due_at=error.until, error=kind, counted=False)
        return
    delay = _delay(work)
    if delay is None:
        sending.give_up(app, work.subject_id, now=now)
        with app.store.transaction() as tx:
            tx.finish(work)
        return
    with app.store.transaction() as tx:
        tx.postpone(work, due_at=now + delay, error=kind)


def _is_hopeless(work: Work, error: Exception) -> bool:
    """Whether sorting a mail will not succeed later: a rule stands against it, or it failed so often."""
    if isinstance(error, TemporaryError):
        return False
    return isinstance(error, RefusedError) or work.attempts >= _SORT_TRIES


def _delay(work: Work) -> timedelta | None:
    """How long to wait before the next try; None: a mail that no server takes for days goes before a person."""
    if work.step == "dispatch":
        return dispatch.retry_delay(work.attempts)
    return timedelta(seconds=_RETRY_SECONDS[min(work.attempts, len(_RETRY_SECONDS)) - 1])
