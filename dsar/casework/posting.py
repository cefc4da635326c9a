"""
An approved letter that goes by post -> files to print, and a person's word that it was posted.

What is printed is what was approved: the sealed bytes whose hash the approval binds. Nothing of it is mailed. A sheet
with the address lies on top; for a person with protected identity it is Skatteverket's, and nobody here writes theirs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from dsar import letters
from dsar.casework import delivering, phrases, printing, protecting, unlocking
from dsar.casework.context import App, case_key, content_of, seal_subject, subject_of
from dsar.casework.facts import accepted_records
from dsar.casework.sending import settle_sent
from dsar.errors import ApprovalError, UsageError
from dsar.locale import said
from dsar.model import Annex, IdentifierType, IdentityLevel, Letter, Right
from dsar.store import Transaction
from dsar.store.tables import CaseFile, OutboxRow, PassPhrase

_PDF = "application/pdf"

#: Skatteverket forwards mail to who has a protected address (skatteverket.se, "Skyddade personuppgifter").
_SKATTEVERKET = ("Skatteverket", "Box 2820", "403 20 Göteborg")


def choose_address(app: App, case: CaseFile, lines: Sequence[str], *, actor: str, now: datetime) -> tuple[str, ...]:
    """
    The postal address that a case is answered to: *lines* as staff give them, name first; empty: the one on file.

    Nobody's answer is posted to an address that is merely claimed (P4): another than the one on file needs an identity
    that was seen. Returns: the lines. Raises: UsageError if none, or several, are on file; ApprovalError.
    """
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        records = accepted_records(app, tx, case, Right.ACCESS)
        chosen = tuple(" ".join(line.split()) for line in lines if line.strip())
        if not chosen:
            chosen = delivering.address_on_file(app, case, records, now=now)
        elif IdentityLevel(case.identity_level) < IdentityLevel.L3 and not delivering.is_on_file(
            app, records, chosen, now=now
        ):
            raise ApprovalError(case.reference, "that address is not on file, and nobody has seen who asks (L3)")
        case.sealed_subject = seal_subject(app, case, replace(subject_of(app, case), postal=chosen))
        tx.add_case(case)
        tx.record("address_chosen", actor=actor, at=now, case_id=case.id)
    return chosen


def on_paper(app: App, case: CaseFile, letter: Letter, recipient: str, *, now: datetime) -> bytes:
    """
    A letter as a PDF to print, with the address where the window of an envelope shows it.

    Args: recipient: the channel and the lines of the address. A protected person's letter goes inside a second envelope
    and shows none.
    """
    address = () if protecting.PROTECTED in case.flags else recipient.split("\n")[1:]
    language = letters.letter_language(case.language)
    return printing.document(app, case.reference, letter.markdown, language, address=address, now=now)


def files(app: App, case: CaseFile, *, actor: str, now: datetime) -> tuple[Annex, ...]:
    """
    The letters of a case that wait to be posted, their annexes and the sheets for the envelopes.

    Raises: UsageError if none does, or if it is not known where they go.
    """
    with app.store.transaction() as tx:
        rows, waiting = _waiting(tx, case)
        detail = {"letters": str(len(rows) + len(waiting))}
        tx.record("printed", actor=actor, at=now, case_id=case.id, detail=detail)
        found = [file for row in rows for file in _letter(app, tx, case, row)]
        found += [
            Annex(
                filename=f"{case.reference}-phrase-{row.id}.pdf",
                content_type=_PDF,
                content=unlocking.printed(app, case, row, now=now),
            )
            for row in waiting
        ]
        return (*_envelopes(app, tx, case, rows, waiting), *found)


def _letter(app: App, tx: Transaction, case: CaseFile, row: OutboxRow) -> Iterator[Annex]:
    content = app.vault.unseal(case_key(case), f"outbox.mime:{row.message_id}", row.sealed_mime)
    yield Annex(filename=f"{case.reference}-letter-{row.id}.pdf", content_type=_PDF, content=content)
    for annex in tx.annexes(row.letter_id or 0):
        context = f"letter_annex:{row.letter_id}:{annex.position}"
        yield Annex(
            filename=annex.filename,
            content_type=annex.content_type,
            content=app.vault.unseal(case_key(case), context, annex.sealed_content),
        )


def _envelopes(
    app: App, tx: Transaction, case: CaseFile, rows: Sequence[OutboxRow], waiting: Sequence[PassPhrase]
) -> Iterator[Annex]:
    """
    The sheet that shows in the window; for a protected person two: Skatteverket's, and one for the inner envelope.

    No personnummer is ever to be read through a window (IMY); Skatteverket wants it on the back of the inner envelope.
    """
    from dsar import pdf  # slow to load, and most processes make none

    us = app.controller
    sender = (us.name, us.address, us.postcode_city)

    def sheet(name: str, content: bytes) -> Annex:
        return Annex(filename=f"{case.reference}-{name}.pdf", content_type=_PDF, content=content)

    if protecting.PROTECTED in case.flags:
        number = _personnummer(app, tx, case) or "________-____"
        inner = (f"Personnummer: {number}", "", "Avsändare:", *sender)
        outer = pdf.address_sheet(_SKATTEVERKET, sender=sender, reference=case.reference)
        yield sheet("outer-envelope", outer)
        yield sheet("inner-envelope-back", pdf.note_sheet(inner, sender=(), reference=case.reference))
        return
    approved = {content_of(app, case, tx.letter(row.letter_id)).recipient for row in rows if row.letter_id}
    addresses = [tuple(recipient.split("\n")[1:]) for recipient in approved]
    addresses += [tuple(phrases.way_of(app, case, row).contact.split("\n")) for row in waiting]
    for position, lines in enumerate(dict.fromkeys(addresses), 1):
        name = "address" if position == 1 else f"address-{position}"
        yield sheet(name, pdf.address_sheet(lines, sender=sender, reference=case.reference))


def _personnummer(app: App, tx: Transaction, case: CaseFile) -> str | None:
    """The person's, from what they proved or the company entered; None unless there is exactly one."""
    subject = subject_of(app, case)
    records = accepted_records(app, tx, case, Right.ACCESS)
    known = (*subject.proven, *subject.followed, *(own for record in records for own in record.own))
    found = {each.value for each in known if each.type is IdentifierType.PERSONNUMMER}
    if len(found) != 1:
        return None
    (number,) = found
    return f"{number[:8]}-{number[8:]}"


def posted(app: App, case: CaseFile, *, actor: str, now: datetime) -> int:
    """
    A person says that the letters of a case are in the post: what they answer is closed.

    Returns: how many. Raises: UsageError if none waited.
    """
    with app.store.transaction() as tx:
        rows, waiting = _waiting(tx, case)
        for phrase in waiting:
            phrase.state, phrase.told_at = "sent", now
            tx.record("phrase_sent", actor=actor, at=now, case_id=case.id, detail={"channel": phrase.channel})
    for row in rows:
        settle_sent(app, row.id or 0, evidence="posted", actor=actor, now=now)
    return len(rows) + len(waiting)


def _waiting(tx: Transaction, case: CaseFile) -> tuple[list[OutboxRow], list[PassPhrase]]:
    """Letters and pass-phrases of a case that are to be posted. Raises: UsageError if there are none."""
    mails = tx.outgoing_of_case(case.id or 0)
    rows = [row for row in mails if row.channel == protecting.POST and row.state == "to_post"]
    waiting = [row for row in tx.pass_phrases(case.id or 0) if row.state == "to_post"]
    if not rows and not waiting:
        raise UsageError(said("No letter of {case} waits to be posted.", case=case.reference))
    return rows, waiting
