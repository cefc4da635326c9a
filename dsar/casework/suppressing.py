"""Contact points -> which of them must get no marketing (Art. 21(3)); nobody can read the list, only ask it."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dsar import deadlines
from dsar.casework.context import App
from dsar.errors import UsageError
from dsar.identifiers import normalise
from dsar.model import Identifier, IdentifierType
from dsar.names import fold
from dsar.store import Transaction
from dsar.store.tables import CaseFile, Suppression

_KINDS = (IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.ADDRESS)

#: A postcode as people write it, with the sign of the country or without.
_POSTCODE = re.compile(r"(?:\bse-?\s?)?\b(\d{3})\s?(\d{2})\b")
_WORD = re.compile(r"\w+")
#: So many cells beside each other may hold one postal address: street, postcode, city.
_CELLS = 3


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


def put(app: App, tx: Transaction, case: CaseFile, points: Iterable[Identifier], *, now: datetime) -> None:
    """Put contact points on the list; an older entry stays as it is, and all of them survive their case."""
    for point in points:
        tx.suppress(
            Suppression(digest=_digest(app, point), channel=point.type, since=now, case_reference=case.reference)
        )


class Screen:
    """The list, read once for many questions."""

    def __init__(self, app: App) -> None:
        self._app = app
        with app.store.transaction(read_only=True) as tx:
            self._listed = {row.digest: row.channel for row in tx.all_suppressions()}

    def channels(self, cells: Sequence[str]) -> frozenset[str]:
        """By which channels a row of a register is on the list; a postal address may stand in several cells."""
        texts = [cell for cell in cells if cell.strip()]
        runs = [", ".join(texts[at : at + count]) for count in range(2, _CELLS + 1) for at in range(len(texts))]
        addresses = [run for run in runs if _POSTCODE.search(run.casefold())]
        found = {self._listed.get(digest) for text in (*texts, *addresses) for digest in _digests(self._app, text)}
        return frozenset(channel for channel in found if channel)


def blocked(app: App, values: Sequence[str]) -> list[str]:
    """Which of *values*, as people write them, are on the list, in their order."""
    screen = Screen(app)
    return [value for value in values if screen.channels([value])]


def allow(app: App, value: str, *, opt_in_on: date | None = None, actor: str, now: datetime) -> bool:
    """
    Take a contact point off the list because its holder wants marketing to it, or wants to be forgotten here, too.

    Args: opt_in_on: the day of a new consent, which must be later than the no that it ends.
    Returns: whether it was on the list. Raises: UsageError for a consent that is older.
    """
    digests = _digests(app, value)
    with app.store.transaction() as tx:
        mine = [row for row in tx.all_suppressions() if row.digest in digests]
        # Art. 21(3), 7(3): a consent that was there before the no does not outlive it.
        if opt_in_on and any(opt_in_on < deadlines.received_on(row.since) for row in mine):
            raise UsageError("That consent is older than the no; only a new one lifts it.")
        removed = bool(tx.end_suppressions(digests))
        if removed:
            detail = {"digest": min(digests), "opt_in_on": opt_in_on.isoformat() if opt_in_on else ""}
            tx.record("suppression_ended", actor=actor, at=now, detail=detail)
    return removed


def _digests(app: App, value: str) -> Collection[str]:
    found = (normalise(kind, value.strip()) for kind in _KINDS)
    return {_digest(app, each) for each in found if each is not None}


def _digest(app: App, point: Identifier) -> str:
    """A postal address counts by street and postcode; registers spell the rest in many ways."""
    if point.type is IdentifierType.ADDRESS:
        return app.vault.index("postal", _postal(point.value))
    return app.vault.index_identifier(point)


def _postal(text: str) -> str:
    folded = fold(text)
    postcode = _POSTCODE.search(folded)
    if postcode is None:
        return " ".join(_WORD.findall(folded))
    street = " ".join(_WORD.findall(folded[: postcode.start()]))
    return f"{street} {postcode[1]}{postcode[2]}"
