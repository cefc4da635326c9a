"""
An approved letter that goes by post -> files to print, and a person's word that it was posted.

What is printed is what was approved: the sealed bytes whose hash the approval binds. Nothing of it is mailed.
"""

from collections.abc import Sequence
from datetime import datetime

from dsar import letters, pdf
from dsar.casework import protecting
from dsar.casework.context import App, case_key
from dsar.casework.sending import settle_sent
from dsar.errors import UsageError
from dsar.markdown import escape
from dsar.model import Annex, Letter
from dsar.store.tables import CaseFile, OutboxRow

_PDF = "application/pdf"


def on_paper(case: CaseFile, letter: Letter, *, now: datetime) -> bytes:
    """The words of a letter as a PDF to print."""
    paragraphs = (escape(part, keep_lines=True) for part in letter.text.split("\n\n") if part.strip())
    language = letters.letter_language(case.language)
    return pdf.render(
        "\n\n".join(paragraphs), title=letter.subject, language=language, footer=case.reference, created_at=now
    )


def files(app: App, case: CaseFile, *, actor: str, now: datetime) -> tuple[Annex, ...]:
    """
    The letters of a case that wait to be posted, and their annexes, to print.

    Raises: UsageError if none does.
    """
    with app.store.transaction() as tx:
        rows = _waiting(tx.outgoing_of_case(case.id or 0))
        if not rows:
            raise UsageError(f"No letter of {case.reference} waits to be posted.")
        tx.record("printed", actor=actor, at=now, case_id=case.id, detail={"letters": str(len(rows))})
        found = []
        for row in rows:
            content = app.vault.unseal(case_key(case), f"outbox.mime:{row.message_id}", row.sealed_mime)
            found.append(Annex(filename=f"{case.reference}-letter-{row.id}.pdf", content_type=_PDF, content=content))
            for annex in tx.annexes(row.letter_id or 0):
                context = f"letter_annex:{row.letter_id}:{annex.position}"
                found.append(
                    Annex(
                        filename=annex.filename,
                        content_type=annex.content_type,
                        content=app.vault.unseal(case_key(case), context, annex.sealed_content),
                    )
                )
    return tuple(found)


def posted(app: App, case: CaseFile, *, actor: str, now: datetime) -> int:
    """
    A person says that the letters of a case are in the post: what they answer is closed.

    Returns: how many. Raises: UsageError if none waited.
    """
    with app.store.transaction() as tx:
        rows = _waiting(tx.outgoing_of_case(case.id or 0))
    if not rows:
        raise UsageError(f"No letter of {case.reference} waits to be posted.")
    for row in rows:
        settle_sent(app, row.id or 0, evidence="posted", actor=actor, now=now)
    return len(rows)


def _waiting(rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    return [row for row in rows if row.channel == protecting.POST and row.state == "to_post"]
