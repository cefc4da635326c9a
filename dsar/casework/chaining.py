"""
Events that were written -> the chain that shows whether anybody changed them (promise P8).

Effects: writes seals. The end of the trail is looked at every few seconds, all of it once a day.
"""

from datetime import datetime, timedelta

from dsar.casework import timekeeping
from dsar.casework.context import App

#: Events chained in one transaction.
_AT_ONCE = 500

_LEASE = timedelta(minutes=10)

#: So often the whole trail is looked through, for what a transaction held back while thousands of others were chained.
_WHOLE_EVERY = timedelta(days=1)
_WHOLE = "whole_trail_chained"


def chain(app: App, *, holder: str, now: datetime) -> bool:
    """
    Chain a number of events if nobody else is at it; whether more may be left.

    Args: holder: the name of this process.
    """
    with app.store.transaction() as tx:
        if not tx.take_lease("sealer", holder, now=now, seconds=_LEASE.total_seconds()):
            return False
        count = tx.seal_events(most=_AT_ONCE)
        if count < _AT_ONCE and timekeeping.is_over(tx.mark(_WHOLE), every=_WHOLE_EVERY, now=now):
            count = tx.seal_events(most=_AT_ONCE, whole=True)
            if count < _AT_ONCE:
                tx.set_mark(_WHOLE, at=now)
        if count < _AT_ONCE:
            tx.give_lease("sealer", holder)
    return count == _AT_ONCE
