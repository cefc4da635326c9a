"""Contact points -> which of them must get no marketing (Art. 21(3)); nobody can read the list, only ask it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dsar import deadlines
from dsar.casework.context import App
from dsar.identifiers import normalise
from dsar.model import IdentifierType

_KINDS = (IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.ADDRESS)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One contact point on the list; it does not say which."""

    channel: str  #: email, phone, address
    since_on: date
    case_reference: str


def entries(app: App) -> list[Entry]:
    """Everything on the list, the oldest first."""
    with app.store.transaction() as tx:
        return [
            Entry(channel=row.channel, since_on=deadlines.received_on(row.since), case_reference=row.case_reference)
            for row in tx.all_suppressions()
        ]


def blocked(app: App, values: Sequence[str]) -> list[str]:
    """Which of *values*, as people write them, are on the list, in their order."""
    digests = {value: _digests(app, value) for value in values if value.strip()}
    with app.store.transaction() as tx:
        listed = {row.digest for row in tx.all_suppressions()}
    return [value for value, mine in digests.items() if mine & listed]


def allow(app: App, value: str, *, actor: str, now: datetime) -> bool:
    """Take a contact point off the list because its holder wants it gone; whether it was on it."""
    digests = _digests(app, value)
    with app.store.transaction() as tx:
        removed = bool(tx.end_suppressions(digests))
        if removed:
            tx.record("suppression_ended", actor=actor, at=now, detail={"digest": min(digests)})
    return removed


def _digests(app: App, value: str) -> set[str]:
    found = (normalise(kind, value.strip()) for kind in _KINDS)
    return {app.vault.index_identifier(each) for each in found if each is not None}
