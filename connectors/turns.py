"""
What a system bears -> its calls one after the other, as far as this process makes them.

Effects: sleeps until a call may begin. `share` puts a count over all processes in the place of this one.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dsar.connector import Turns
from dsar.declaration import Rate


class Limiter:
    """Turns of one process: so many calls in a window and at once; a pause that the system asked for holds for all."""

    def __init__(
        self, rate: Rate, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._begun: deque[float] = deque(maxlen=rate.calls)
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(rate.at_once)
        self._not_before = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        with self._places:
            self._wait()
            yield

    def pause(self, seconds: float) -> None:
        with self._lock:
            self._not_before = max(self._not_before, self._clock() + seconds)

    def _wait(self) -> None:
        while True:
            with self._lock:
                now = self._clock()
                full = len(self._begun) == self._rate.calls
                free_at = max(self._not_before, self._begun[0] + self._rate.seconds if full else 0.0)
                if free_at <= now:
                    self._begun.append(now)
                    return
            self._sleep(free_at - now)


class _Free:
    """Turns of a system whose declaration sets no limit."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        yield

    def pause(self, seconds: float) -> None:
        """Nobody counts."""


class InTurn:
    """Takes turns (dsar.connector.TakesTurns), one for every connection; base class of connectors."""

    _turns: Turns = _Free()

    def _bear(self, rate: Rate | None) -> None:
        """Keep to *rate*; None: there is no limit."""
        if rate is not None:
            self._turns = Limiter(rate)

    def share(self, turns: Turns) -> None:
        self._turns = turns
