"""
An action -> the same again and again, beside other work.

Effects: a thread of its own for as long as the work lasts.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dsar.errors import DsarError

log = logging.getLogger(__name__)


@contextmanager
def repeated(action: Callable[[], None], *, every: float) -> Iterator[None]:
    """Do *action* every so many seconds beside the block; what fails is logged, and done again the next time."""
    ended = threading.Event()

    def go() -> None:
        while not ended.wait(every):
            try:
                action()
            except DsarError as error:
                log.warning("failed beside the work", extra={"error": type(error).__name__})

    beside = threading.Thread(target=go, daemon=True)
    beside.start()
    try:
        yield
    finally:
        ended.set()
        beside.join()
