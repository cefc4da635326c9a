"""
Several workers, on any number of machines -> one crew: who lives is known, and what a dead one held goes on elsewhere.

Effects: writes beats to the database; starts and ends processes. Workers talk through the database alone. A worker
whose beats stop is given up after seconds; should it only have stalled, what it did is no longer counted, because each
step is held by name and attempt.
"""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path

from dsar import __version__, worker
from dsar.beside import repeated
from dsar.casework.context import App
from dsar.errors import DsarError, WrongVersionError
from dsar.steps import Tools
from dsar.wiring import open_session

log = logging.getLogger(__name__)

#: Seconds between two beats, and without one until a worker is given up.
BEAT_SECONDS, SILENT_SECONDS = 2.0, 12.0
#: Seconds between two looks for due steps.
_LOOK_SECONDS = 0.5
#: Seconds until a worker that ended by itself is replaced; so many for it to end what it is at when all shall stop.
_REPLACE_SECONDS, _END_SECONDS = 2.0, 60.0


@dataclass
class Watch:
    """What one worker has seen of the others: whether beats go up tells who lives, not clocks, which differ."""

    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)  #: {name: beats, when they last went up}
    _looked_at: float = 0.0

    def silent(self, beats: dict[str, int], *, at: float) -> list[str]:
        """
        Those that have not beaten for too long.

        Who could not look for a while itself, because the database stood still or the machine slept, begins anew: the
        others could not beat either.
        Args: beats: {name of a worker: its beats so far}; at: by a clock that only goes forward, in seconds.
        """
        if at - self._looked_at > SILENT_SECONDS / 2:
            self._seen = {}
        self._looked_at = at
        for name, count in beats.items():
            if name not in self._seen or self._seen[name][0] != count:
                self._seen[name] = count, at
        self._seen = {name: seen for name, seen in self._seen.items() if name in beats}
        return [name for name, (_, since) in self._seen.items() if at - since > SILENT_SECONDS]


def look_around(app: App, watch: Watch, *, now: datetime) -> None:
    """
    Beat, and free what silent workers held.

    Raises: WrongVersionError if the tables are not made for this version any more; DatabaseUnavailableError.
    """
    me = worker.worker_name()
    with app.store.transaction() as tx:
        tx.check_version()
        tx.beat(me, version=__version__, now=now)
        beats = {each.name: each.beats for each in tx.workers()}
    worker.free_dead(app, but=beats)  # commands of staff, which do not beat
    for name in watch.silent(beats, at=time.monotonic()):
        with app.store.transaction() as tx:
            freed = tx.bury(name, now=now)
        log.warning("worker lost", extra={"worker": name, "count": freed})


def bury_silent(app: App, *, now: datetime, wait: Callable[[float], object] = time.sleep) -> None:
    """
    Free what those hold who have died on a machine that is gone: for who comes once and does not beat.

    Args: wait: is called with some seconds if a worker holds what has run out, for only its beats tell if it lives.
    """
    with app.store.transaction(read_only=True) as tx:
        overdue = tx.overdue_holders(now=now)
        before = {each.name: each.beats for each in tx.workers() if each.name in overdue}
    if not before:
        return
    wait(SILENT_SECONDS)
    with app.store.transaction() as tx:
        for each in tx.workers():
            if before.get(each.name) == each.beats:
                tx.bury(each.name, now=now)


@contextmanager
def beating(app: App) -> Iterator[threading.Event]:
    """
    Be a member of the crew for as long as the block lasts.

    Yields: what is set when an upgrade leaves this version behind: end what is under way, and begin nothing.
    Raises: WrongVersionError; DatabaseUnavailableError at the start.
    """
    watch, outdated = Watch(), threading.Event()

    def beat() -> None:
        try:
            look_around(app, watch, now=datetime.now(UTC))
        except WrongVersionError:
            outdated.set()
            raise

    beat()
    try:
        with repeated(beat, every=BEAT_SECONDS):
            yield outdated
        if outdated.is_set():
            with app.store.transaction(read_only=True) as tx:
                tx.check_version()  # which says why
    finally:
        try:
            with app.store.transaction() as tx:
                tx.bury(worker.worker_name(), now=datetime.now(UTC))
        except DsarError as error:  # the others will miss it
            log.warning("farewell failed", extra={"error": type(error).__name__})


def work(tools: Tools, *, stopped: Callable[[], bool]) -> None:
    """Do due steps until *stopped*; a database that cannot be reached is waited for."""
    while not stopped():
        try:
            tried = worker.run_due(tools, stopped=stopped)
        except DsarError as error:
            log.warning("steps failed", extra={"error": type(error).__name__})
            tried = 0
        if not tried:
            time.sleep(_LOOK_SECONDS)


# ------------------------------------------------------------------------------------------- workers of one machine


@contextmanager
def helpers(settings: Path, count: int, *, prepare: Callable[[], None]) -> Iterator[None]:
    """
    *count* further processes that do steps beside this one; one that dies is replaced.

    They end what they are at when the block ends, and when this process dies.
    Args: prepare: what each of them does first; a function of a module.
    """
    context = multiprocessing.get_context("spawn")  # a fork would take over connections and threads

    def start() -> BaseProcess:
        process = context.Process(target=_help, args=(settings, os.getpid(), prepare), name="worker")
        process.start()
        return process

    processes = [start() for _ in range(count)]

    def replace() -> None:
        for place, process in enumerate(processes):
            if not process.is_alive():
                log.warning("worker replaced", extra={"exit_code": process.exitcode})
                processes[place] = start()

    try:
        with repeated(replace, every=_REPLACE_SECONDS):
            yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(_END_SECONDS)
            process.kill()


def _help(settings: Path, employer: int, prepare: Callable[[], None]) -> None:
    """What a further process does, from its start to its end."""
    prepare()
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the first one ends us
    try:
        with open_session(settings) as session, beating(session.app) as outdated:
            work(session.tools, stopped=lambda: asked.is_set() or outdated.is_set() or os.getppid() != employer)
    except WrongVersionError as error:  # the first process ends for the same reason, and says it
        log.warning("worker outdated", extra={"error": type(error).__name__})
