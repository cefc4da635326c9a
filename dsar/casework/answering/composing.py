"""
Facts -> the letter with its export and documents, and its rows as it was shown.

Effects: writes the database, in the caller's transaction.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from dsar import letters
from dsar.casework import attaching, printing
from dsar.casework.answering.inputs import Inputs
from dsar.casework.context import App, LetterContent, case_key, seal_content
from dsar.model import Annex, Letter, LetterFacts, LetterKind
from dsar.store import Transaction
from dsar.store.tables import CaseFile, LetterAnnex, LetterRow

_PDF, _JSON, _CSV = "application/pdf", "application/json", "text/csv"


def documents_of(app: App, tx: Transaction, case: CaseFile, inputs: Inputs) -> tuple[Annex, ...]:
    """The documents that go with a letter made from *inputs*."""
    return attaching.annexes(app, tx, case) if inputs.kind is LetterKind.ACCESS_ANSWER else ()


def compose(
    app: App,
    kind: LetterKind,
    language: str,
    facts: LetterFacts,
    *,
    documents: tuple[Annex, ...] = (),
    now: datetime,
) -> Letter:
    """The letter with all its annexes: an access answer brings the export as PDF, JSON and CSV (Art. 15(3), 20)."""
    settings = app.settings
    export = _export(app, language, facts, now=now) if kind is LetterKind.ACCESS_ANSWER else ()
    annexes = (*export, *documents)
    return letters.compose(
        kind, language, facts, annexes=annexes, templates=settings.templates_folder, look=settings.look
    )


def _export(app: App, language: str, facts: LetterFacts, *, now: datetime) -> tuple[Annex, ...]:
    reference = facts.case_reference
    markdown = letters.compose_export(language, facts, templates=app.settings.templates_folder)
    machine_readable = letters.export_json(facts, language)
    document = printing.document(
        app,
        reference,
        markdown,
        language,
        attachments={f"{reference}.json": (_JSON, machine_readable)},
        now=now,
    )
    return (
        Annex(filename=f"{reference}.pdf", content_type=_PDF, content=document),
        Annex(filename=f"{reference}.json", content_type=_JSON, content=machine_readable),
        Annex(filename=f"{reference}.csv", content_type=_CSV, content=letters.export_csv(facts, language)),
        *_portable(language, facts),
    )


def _portable(language: str, facts: LetterFacts) -> tuple[Annex, ...]:
    """What the person may take along, if they asked for that (Art. 20)."""
    part = letters.portable_part(facts) if facts.portability else None
    if part is None:
        return ()
    name = f"{facts.case_reference}-portable"
    return (
        Annex(filename=f"{name}.json", content_type=_JSON, content=letters.export_json(part, language)),
        Annex(filename=f"{name}.csv", content_type=_CSV, content=letters.export_csv(part, language)),
    )


def store_letter(
    app: App, tx: Transaction, case: CaseFile, request_ids: Sequence[int], letter: Letter, inputs: Inputs
) -> LetterRow:
    """Keep a draft as it is shown; *request_ids* are closed when it has left."""
    content = LetterContent(
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        recipient=inputs.recipient,
        markdown=letter.markdown,
    )
    row = tx.add_letter(
        LetterRow(
            case_id=case.id or 0,
            kind=letter.kind,
            language=letter.language,
            composed_on=inputs.facts.today,
            inputs_sha256=inputs.sha256,
            template_sha256=letter.template_sha256,
            sealed_content=b"",
        ),
        request_ids,
    )
    row.sealed_content = seal_content(app, case, row.id or 0, content)
    for position, annex in enumerate(letter.annexes):
        context = f"letter_annex:{row.id}:{position}"
        tx.add_annex(
            LetterAnnex(
                letter_id=row.id or 0,
                position=position,
                filename=annex.filename,
                content_type=annex.content_type,
                sha256=hashlib.sha256(annex.content).hexdigest(),
                sealed_content=app.vault.seal(case_key(case), context, annex.content),
            )
        )
    return row
