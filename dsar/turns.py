"""
A connected system and what it bears -> its calls one after the other, counted over all threads, workers and machines.

Effects: writes turns to the database; sleeps until one is free. A turn lasts as long as its call, for its lease is
renewed; that of a process that died is given up with the process, or when its lease runs out.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dsar.beside import repeated
from dsar.declaration import Rate
from dsar.errors import DsarError
from dsar.store import Store

log = logging.getLogger(__name__)

#: Seconds between two looks whether another worker's call has ended.
_LOOK_SECONDS = 0.1
#: Seconds after which the call of a process that died without being missed counts as ended.
LEASE_SECONDS = 60.0


class SharedTurns:
    """What dsar.connector.Turns promises, for one system."""

    def __init__(  # each is another thing
        self,
        store: Store,
        system: str,
        rate: Rate,
        *,
        holder: Callable[[], str],
        lease: float = LEASE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Args: holder: the name of this process, once it is needed; lease: seconds, renewed until the call ends."""
        self._store, self._system, self._rate = store, system, rate
        self._lease, self._holder, self._sleep = lease, holder, sleep
        self._places = threading.BoundedSemaphore(rate.at_once)  # the threads of one process need no database to queue

    @contextmanager
    def turn(self) -> Iterator[None]:
        with self._places:
            number = self._taken()
            try:
                with self._renewed(number):
                    yield
            finally:
                self._end(number)

    def pause(self, seconds: float) -> None:
        with self._store.transaction() as tx:
            tx.pause_turns(self._system, seconds=seconds)

    def _taken(self) -> int:
        rate = self._rate
        while True:
            with self._store.transaction() as tx:
                turn = tx.take_turn(
                    self._system,
                    self._holder(),
                    calls=rate.calls,
                    seconds=rate.seconds,
                    at_once=rate.at_once,
                    lease=self._lease,
                )
            if turn.id is not None:
                return turn.id
            self._sleep(turn.wait or _LOOK_SECONDS)

    @contextmanager
    def _renewed(self, number: int) -> Iterator[None]:
        """Keep the turn while the block lasts, however long that is: a mailbox can take an hour to read."""

        def renew() -> None:
            with self._store.transaction() as tx:
                tx.renew_turn(number, lease=self._lease)

        with repeated(renew, every=self._lease / 3):
            yield

    def _end(self, number: int) -> None:
        try:
            with self._store.transaction() as tx:
                tx.end_turn(number)
        except DsarError as error:  # what the call brought is worth more; the lease ends the turn
            log.warning("turn not ended", extra={"error": type(error).__name__})
