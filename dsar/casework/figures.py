"""What the monthly statistics count: every request, and every mail of which nobody has said yet that it is none."""

from dsar import deadlines
from dsar.casework.context import App
from dsar.model import Disposition, RequestTimes
from dsar.store.tables import Message

#: Mails that wait for a person and are no requests, whatever that person finds.
_NO_REQUESTS = frozenset({Disposition.BOUNCE, Disposition.AUTO_REPLY, Disposition.AUTHORITY})


def request_times(app: App) -> list[RequestTimes]:
    """
    One value per request, and one per mail without a case that waits for a person.

    Art. 12(3) runs for what nobody has sorted, too: leaving mails unsorted must not make the figures better.
    """
    with app.store.transaction(read_only=True) as tx:
        waiting = [message for message in tx.messages_waiting() if message.disposition not in _NO_REQUESTS]
        return tx.request_times() + [_unsorted(app, message) for message in waiting]


def _unsorted(app: App, message: Message) -> RequestTimes:
    dates = deadlines.deadlines(deadlines.received_on(message.received_at), closures=app.settings.closures)
    return RequestTimes(
        right=None,
        received_at=message.received_at,
        closed_at=None,
        outcome=None,
        legal_on=dates.legal_on,
        extended=False,
        is_sorted=False,
    )
