"""
Looks at the sent folder -> the first mail among which a letter's copy can be.

Effects: none. A server reads each mail that a search is about: without this, the copy of each of ten thousand letters
would have all earlier ones read again.
"""

from collections import deque
from datetime import datetime, timedelta

#: The folder is opened anew so often, to learn where it ends.
_EVERY = timedelta(minutes=1)
#: Clocks of machines that work together differ by less.
_BETWEEN_MACHINES = timedelta(minutes=2)
#: Looks that are remembered, one a minute.
_MOST = 1000


class SentFolder:
    """What one connection has seen of it."""

    def __init__(self) -> None:
        self._epoch: int | None = None
        self._looks: deque[tuple[datetime, int]] = deque(maxlen=_MOST)  #: When, and the UID of the next mail then.

    def is_fresh(self, now: datetime, is_open: bool) -> bool:  # noqa: FBT001  # said where it is called
        """Whether the folder need not be opened anew."""
        return is_open and bool(self._looks) and timedelta() <= now - self._looks[-1][0] < _EVERY

    def met(self, epoch: int, uid_next: int | None, now: datetime | None) -> None:
        """Remember a look. Args: epoch: UIDVALIDITY; by another one all that is known is void."""
        if epoch != self._epoch:
            self._looks.clear()
        self._epoch = epoch
        if uid_next is not None and now is not None:
            self._looks.append((now, uid_next))

    def first_since(self, made_at: datetime) -> int:
        """
        UID of the first mail that may have come since *made_at*; 1 if nobody can tell.

        A clock that was put back between a look and the letter makes the look later than the letter: it does not count.
        """
        before = [uid for at, uid in self._looks if at + _BETWEEN_MACHINES < made_at]
        return min(before[-1:], default=1)
