"""
An answer and its case -> how its files travel: open or locked, in one mail or several, and who opens them how.

Art. 32 GDPR asks for "a level of security appropriate to the risk": files are encrypted, and a pass-phrase goes another
way. Only what holds nothing but business contact details may travel under TLS alone, where the settings allow it.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dsar import deadlines, dispatch, identity, letters
from dsar.casework import phrases, printing, protecting
from dsar.casework.context import App, subject_of
from dsar.casework.facts import accepted_records
from dsar.casework.identifying import contacts_on_file, risk_of
from dsar.casework.phrases import Way
from dsar.casework.sending import SIZE_LIMIT
from dsar.errors import ApprovalError, UsageError
from dsar.identifiers import is_mobile, mask
from dsar.locale import said
from dsar.mentions import find_identifiers
from dsar.model import Annex, Identifier, IdentifierType, Letter, LetterFacts, LetterKind, Record, Right
from dsar.names import fold
from dsar.store import Transaction
from dsar.store.tables import CaseFile

#: Letters that bring the data themselves.
_WITH_DATA = frozenset({LetterKind.ACCESS_ANSWER})

_MEGABYTE = 1_000_000
#: A document that only carries files takes about so much, its fonts included.
_CARRIER = 150_000


# ------------------------------------------------------------------------------------------------------ the way


def way(app: App, tx: Transaction, case: CaseFile, kind: LetterKind, *, now: datetime) -> Way | None:
    """
    How the pass-phrase of a letter of *kind* would reach the person; None if its files travel open, or on paper.

    Raises: UsageError if staff chose a way that there is none for.
    """
    if kind not in _WITH_DATA or protecting.channel_of(case) == protecting.POST:
        return None
    records = accepted_records(app, tx, case, Right.ACCESS)
    if app.settings.letters.open_at_low_risk and risk_of(case, records) is identity.Risk.LOW:
        return None
    return choose(app, case, records, case.phrase_by, now=now)


def choose(app: App, case: CaseFile, records: Sequence[Record], by: str, *, now: datetime) -> Way:
    """
    A way to the person that is on file: by SMS where that is certain, else staff read it out.

    Args: by: what staff chose; "": nothing. Who receives for another person gets it by telephone.
    Raises: UsageError if the chosen way needs a contact point that is not on file, or not only one.
    """
    if by == phrases.VOICE or (case.mandate and case.answer_to == "agent"):
        return Way(by=phrases.VOICE)
    if by == phrases.LETTER:
        address = subject_of(app, case).postal or address_on_file(app, case, records, now=now)
        return Way(by=phrases.LETTER, contact="\n".join(address))
    phones = _mobiles(app, records, now=now) if app.sms is not None else []
    if len(phones) == 1:
        return Way(by=phrases.SMS, contact=phones[0].value)
    if by == phrases.SMS:
        raise UsageError(
            f"{case.reference} has {len(phones)} mobile phones on file" if app.sms else "There is no gateway in [sms]."
        )
    return Way(by=phrases.VOICE)


def _mobiles(app: App, records: Sequence[Record], *, now: datetime) -> list[Identifier]:
    held = contacts_on_file(app, records, IdentifierType.PHONE, now=now).values()
    return sorted({phone for found in held for phone in found if is_mobile(phone)})


def told(
    app: App, tx: Transaction, case: CaseFile, kind: LetterKind, facts: LetterFacts, *, now: datetime
) -> LetterFacts:
    """*facts* with what the letter says of how its files are opened."""
    chosen = way(app, tx, case, kind, now=now)
    if chosen is None:
        return facts
    phone = Identifier(type=IdentifierType.PHONE, value=chosen.contact)
    return replace(facts, phrase_by=chosen.by, phrase_to=mask(phone) if chosen.by == phrases.SMS else None)


# ----------------------------------------------------------------------------------------------- postal addresses


def address_on_file(app: App, case: CaseFile, records: Sequence[Record], *, now: datetime) -> tuple[str, ...]:
    """
    Name and postal address for an envelope, never with a personnummer: the one that is on file.

    Raises: UsageError if there is none, or several.
    """
    found = dict.fromkeys(filter(None, (_address_of(app, record, now=now) for record in records)))
    if len(found) != 1:
        raise UsageError(
            f"{case.reference} has {len(found) or 'no'} postal address{'es' if len(found) > 1 else ''} on file; "
            f"'dsar channel {case.reference} post --address -' takes the right one."
        )
    return next(iter(found))


def is_on_file(app: App, records: Sequence[Record], lines: Sequence[str], *, now: datetime) -> bool:
    """Whether *lines*, the name aside, are an address on file; capitals, spaces and commas do not count."""
    wanted = fold(" ".join(lines[1:])).replace(",", " ").split()
    held = (_address_of(app, record, now=now) for record in records)
    return any(fold(" ".join(each[1:])).replace(",", " ").split() == wanted for each in held if each)


def _address_of(app: App, record: Record, *, now: datetime) -> tuple[str, ...]:
    """Lines of the address on file on a record that names the person; empty if there is none."""
    today, days = deadlines.received_on(now), app.settings.identity.on_file_days
    lines = [
        value.value.strip()
        for value in record.values
        if value.category == "contact"
        and identity.on_file(value, today=today, days=days) is identity.OnFile.YES
        and not _is_reached_elsewhere(value.value)
    ]
    return (record.person_name, *lines) if record.person_name and any(lines) else ()


def _is_reached_elsewhere(text: str) -> bool:
    return any(each.type in {IdentifierType.EMAIL, IdentifierType.PHONE} for each in find_identifiers(text))


# ------------------------------------------------------------------------------------------------------- the mails


def size_limit(app: App, tx: Transaction) -> int:
    """Octets of the biggest mail that may leave: as the settings say, or less if our mail server has said so."""
    mark = tx.mark(SIZE_LIMIT)
    allowed = app.settings.smtp.size_limit_mb * _MEGABYTE
    return min(allowed, int(mark.detail)) if mark is not None else allowed


@dataclass(frozen=True, kw_only=True)
class Travels:
    """How a letter would travel by mail."""

    phrase_by: str | None  #: How its pass-phrase reaches the person; None: its files are open.
    mails: int  #: How many it takes; 0: it is too big for mail.


def travels(app: App, case: CaseFile, letter: Letter, *, now: datetime) -> Travels:
    """How *letter* would travel; on paper it is open, and one."""
    if protecting.channel_of(case) == protecting.POST:
        return Travels(phrase_by=None, mails=1)
    with app.store.transaction(read_only=True) as tx:
        chosen = way(app, tx, case, letter.kind, now=now)
        groups = _divided(app, tx, letter, _travelling(letter, locked=chosen is not None), locked=chosen is not None)
    return Travels(phrase_by=chosen.by if chosen else None, mails=len(groups) if groups else 0)


def _travelling(letter: Letter, *, locked: bool) -> tuple[Annex, ...]:
    """The annexes that travel; those that the first, a PDF, has inside it already are not locked up twice."""
    from dsar import pdf  # slow to load, and most processes make none

    if not locked or not letter.annexes:
        return letter.annexes
    inside = pdf.attached(letter.annexes[0].content)
    return tuple(annex for annex in letter.annexes if annex.filename not in inside)


def _divided(
    app: App, tx: Transaction, letter: Letter, files: Sequence[Annex], *, locked: bool
) -> list[list[int]] | None:
    """Which of *files* go in which mail; None if one alone is too big."""
    words = len(letter.text.encode()) + len(letter.html.encode())
    sizes = [_size(file, locked=locked) for file in files]
    return dispatch.divide(sizes, letter=words + (_CARRIER if locked else 0), limit=size_limit(app, tx))


def mails(
    app: App, tx: Transaction, case: CaseFile, letter: Letter, phrase: str | None, *, now: datetime
) -> tuple[Letter, ...]:
    """
    *letter* as the mails by which it travels: locked with *phrase* unless that is None, divided if it is too big.

    Raises: ApprovalError if even divided it is too big for mail.
    """
    files = _travelling(letter, locked=phrase is not None)
    groups = _divided(app, tx, letter, files, locked=phrase is not None)
    if groups is None:
        raise ApprovalError(
            case.reference,
            said(
                "a file of it is too big for mail; 'dsar channel {case} post' answers on paper and memory stick",
                case=case.reference,
            ),
        )
    count = len(groups)
    return tuple(
        letters.part_of(
            letter,
            _locked(app, case, letter, number, count, [files[each] for each in group], phrase, now=now)
            if phrase
            else [files[each] for each in group],
            number=number,
            count=count,
        )
        for number, group in enumerate(groups, 1)
    )


def _size(file: Annex, *, locked: bool) -> int:
    """Octets that a file takes; inside a PDF it is compressed."""
    return len(zlib.compress(file.content)) + 1024 if locked else len(file.content)


def _locked(
    app: App,
    case: CaseFile,
    letter: Letter,
    number: int,
    count: int,
    files: Sequence[Annex],
    phrase: str,
    *,
    now: datetime,
) -> list[Annex]:
    """One encrypted PDF with *files* inside: the answer itself in the first mail, in others one that only carries."""
    from dsar import pdf  # slow to load, and most processes make none

    if number == 1:
        document, *inside = files
        content, filename = document.content, document.filename
    else:
        names = [file.filename for file in files]
        markdown = letters.parcel_markdown(letter.language, case.reference, number=number, count=count, files=names)
        content = printing.document(app, case.reference, markdown, letter.language, now=now)
        inside, filename = list(files), f"{case.reference}-{number}.pdf"
    packed: Mapping[str, tuple[str, bytes]] = {file.filename: (file.content_type, file.content) for file in inside}
    return [Annex(filename=filename, content_type="application/pdf", content=pdf.protect(content, phrase, packed))]
