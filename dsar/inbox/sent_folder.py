"""
Looks at the sent folder -> the first mail among which a letter's copy can be.

Effects: reads the clock that only goes forward. A server reads each mail that a search is about: without this, the copy
of each of ten thousand letters would have all earlier ones read again. No time of day tells which mails came before a
letter, for clocks leap: letters are numbered, and one that was not there yet when the folder ended at a mail has no
copy up to that mail.
"""

import time
from collections import deque

#: The folder is opened anew so often, to learn where it ends.
_EVERY_SECONDS = 60.0
#: Looks that are remembered, one a minute.
_MOST = 1000


class SentFolder:
    """What one connection has seen of it."""

    def __init__(self) -> None:
        self._epoch: int | None = None
        self._looked_at = -_EVERY_SECONDS
        self._looks: deque[tuple[int, int]] = deque(maxlen=_MOST)  #: Number of the newest letter, UID of the next mail.

    def is_known(self) -> bool:
        """Whether a look was taken lately."""
        return bool(self._looks) and time.monotonic() - self._looked_at < _EVERY_SECONDS

    def met(self, epoch: int, uid_next: int, newest: int) -> None:
        """
        Remember a look.

        Args: epoch: UIDVALIDITY; by another one all that is known is void. newest: number of the newest letter, read
        after the folder was opened.
        """
        if epoch != self._epoch:
            self._looks.clear()
        self._epoch, self._looked_at = epoch, time.monotonic()
        self._looks.append((newest, uid_next))

    def first_of(self, letter: int) -> int:
        """UID of the first mail that can be a copy of the letter with this number; 1 if nobody can tell."""
        return max((uid for newest, uid in self._looks if newest < letter), default=1)
