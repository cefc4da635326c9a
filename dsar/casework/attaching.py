"""
Documents of the records of an access answer -> fetched, looked through for other people, decided about, annexed.

Art. 15(3) GDPR: "a copy of the personal data", which a contract, a CV or a picture is itself. A document in which
others may stand, or that no machine can read, goes along only after a person has looked at it (Art. 15(4), P6).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath

from dsar import guard, letters, redaction
from dsar.casework import protecting
from dsar.casework.context import App, case_key
from dsar.casework.facts import accepted_records, own_of
from dsar.connector import LARGEST_DOCUMENT_BYTES, Attaches
from dsar.errors import DsarError, RefusedError, SystemDriftError, TemporaryError, UsageError
from dsar.locale import said
from dsar.model import Annex, AnnexedDocument, Document, Record, RecordValue, Right, Text, Withheld
from dsar.redaction import GROUNDS, Ground, Passage
from dsar.store import Transaction
from dsar.store.tables import CaseDocument, CaseFile

#: Words about a document.
ANNEX, LEFT_OUT = "annex", "left_out"

#: Endings under which a document may leave; every other one is ".bin", so that nothing runs by a double click.
_ENDINGS = frozenset({
    ".pdf", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".rtf", ".txt", ".csv", ".json", ".xml", ".eml", ".png", ".jpg",
    ".jpeg", ".gif", ".tif", ".tiff", ".webp", ".heic", ".mp3", ".m4a", ".wav", ".mp4",
})  # fmt: skip
_NAME = Text(sv="{reference}-bilaga-{number}{ending}", en="{reference}-annex-{number}{ending}")
_LEFT_OUT = Text(sv="1 dokument ({label}, {system})", en="1 document ({label}, {system})")
#: The reader of documents stops here, so that a longer text is not known to be whole.
_LONGEST_TEXT = 100_000


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A document as staff see it in a list."""

    number: int  #: From 1, the same in the answer.
    record: Record
    document: Document
    row: CaseDocument | None  #: None: not fetched yet.

    @property
    def is_open(self) -> bool:
        """Whether it stands between the answer and its approval."""
        row = self.row
        if row is None:
            return True
        return row.word != LEFT_OUT and not (row.state == "kept" and (row.is_clear or row.word == ANNEX))


def listed(app: App, tx: Transaction, case: CaseFile) -> list[Listed]:
    """Every document of what an access answer would hold; empty for a case that asks for none."""
    if not any(request.right == Right.ACCESS for request in tx.requests(case.id or 0)):
        return []
    kept = tx.documents(case.id or 0)
    pairs = [
        (record, document) for record in accepted_records(app, tx, case, Right.ACCESS) for document in record.documents
    ]
    return [
        Listed(number=number, record=record, document=document, row=kept.get(_index(app, record, document)))
        for number, (record, document) in enumerate(pairs, 1)
    ]


def open_count(app: App, tx: Transaction, case: CaseFile) -> int:
    """How many are not fetched, or undecided."""
    return sum(each.is_open for each in listed(app, tx, case))


def _index(app: App, record: Record, document: Document) -> str:
    """One that was changed meanwhile is another document, of which nobody has said anything yet."""
    place = f"{record.system}\0{record.object}\0{record.key}\0{document.place}"
    return app.vault.index("document", f"{place}\0{document.size}\0{document.sha256}")


# -------------------------------------------------------------------------------------------------------- fetching


def want(app: App, tx: Transaction, case: CaseFile, *, now: datetime) -> None:
    """Have the documents fetched that are not here yet."""
    case.documents_open = open_count(app, tx, case)
    if any(each.row is None for each in listed(app, tx, case)):
        tx.enqueue("documents", case.id or 0, due_at=now)


def fetch(app: App, case_id: int, *, now: datetime) -> None:
    """
    Step: fetch what is not here yet, each stored before the next.

    Raises: SystemUnavailableError: try again later; what was fetched stays.
    """
    with app.store.transaction() as tx:
        case = tx.case_by_id(case_id)
        missing = [each for each in listed(app, tx, case) if each.row is None]
    unavailable: TemporaryError | None = None
    for each in missing:
        try:
            row = _fetched(app, case, each, now=now)
        except TemporaryError as error:
            unavailable = error
            continue
        with app.store.transaction() as tx:
            case = tx.case_by_id(case_id)
            if row.document_index not in tx.documents(case_id):
                tx.keep_document(row)
            case.documents_open = open_count(app, tx, case)
            tx.add_case(case)
    if unavailable is not None:
        raise unavailable


def _fetched(app: App, case: CaseFile, each: Listed, *, now: datetime) -> CaseDocument:
    row = CaseDocument(case_id=case.id or 0, document_index=_index(app, each.record, each.document), at=now)
    system = app.systems.get(each.record.system)
    if not isinstance(system, Attaches):
        row.state = "refused"
        return row
    try:
        content = system.fetch(each.record, each.document)
    except SystemDriftError:
        row.state = "gone"
        return row
    except RefusedError:
        row.state = "refused"
        return row
    _put(app, case, row, content)
    row.is_clear = protecting.PROTECTED not in case.flags and mentions(app, case, each, content) == []
    return row


def _put(app: App, case: CaseFile, row: CaseDocument, content: bytes) -> None:
    row.state, row.size = "kept", len(content)
    row.sha256 = hashlib.sha256(content).hexdigest()
    row.sealed_content = app.vault.seal(case_key(case), f"case_document:{row.document_index}", content)


def content_of(app: App, case: CaseFile, row: CaseDocument) -> bytes:
    """The bytes of a document that is kept."""
    return app.vault.unseal(case_key(case), f"case_document:{row.document_index}", row.sealed_content)


def mentions(app: App, case: CaseFile, each: Listed, content: bytes) -> list[str] | None:
    """Words in a document that may be about others; None if no machine can read it whole, which is no "nothing"."""
    ending = PurePath(each.document.name).suffix.lower()
    try:
        mail = guard.read_mail(
            content if ending == ".eml" else guard.as_mail(content, ending=ending), own_domain=app.settings.own_domain
        )
    except DsarError:
        return None
    texts = [*([mail.text] if ending == ".eml" else []), *(text.text for text in mail.attachment_texts)]
    machine_read = any(text.from_picture for text in mail.attachment_texts)
    if mail.unread or machine_read or not any(texts) or any(len(text) >= _LONGEST_TEXT for text in texts):
        return None
    with app.store.transaction() as tx:
        own = own_of(app, case, accepted_records(app, tx, case, Right.ACCESS))
    return [passage.text for passage in _passages(each, "\n".join(texts), own)]


def _passages(each: Listed, text: str, own: redaction.Own) -> Sequence[Passage]:
    value = RecordValue(path="text", label=each.document.label, value=text, category="note", free_text=True)
    return redaction.propose((replace(each.record, values=(value,)),), own)


# -------------------------------------------------------------------------------------------------------- deciding


def decide(app: App, case: CaseFile, number: int, *, word: str, ground: Ground, actor: str, now: datetime) -> None:
    """
    A person's word on a document: annexed as it is, or left out on a ground that the answer tells.

    Raises: UsageError for a number that is none, or for annexing what is not here.
    """
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        each = _numbered(app, tx, case, number)
        row = each.row or CaseDocument(
            case_id=case.id or 0, document_index=_index(app, each.record, each.document), at=now
        )
        if word == ANNEX and row.state != "kept":
            raise UsageError(
                said(
                    "Document {number} is not here ({state}): '--replace FILE' brings it.",
                    number=number,
                    state=row.state,
                )
            )
        row.word, row.ground = word, ground.value if word == LEFT_OUT else ""
        _keep(app, tx, case, row, actor=actor, now=now)


def put_in_place(app: App, case: CaseFile, number: int, content: bytes, *, actor: str, now: datetime) -> None:
    """
    Annex *content* in the place of a document: a copy without what is about others, or one that a person has brought.

    Raises: UsageError for a number that is none, or for an empty or too large file.
    """
    if not content or len(content) > LARGEST_DOCUMENT_BYTES:
        raise UsageError(
            said("The file is empty, or larger than {limit} MB.", limit=LARGEST_DOCUMENT_BYTES // 1_000_000)
        )
    with app.store.transaction() as tx:
        case = tx.case_by_id(case.id or 0)
        each = _numbered(app, tx, case, number)
        row = each.row or CaseDocument(
            case_id=case.id or 0, document_index=_index(app, each.record, each.document), at=now
        )
        row.replaced = row.state == "kept" and row.sha256 != hashlib.sha256(content).hexdigest()
        _put(app, case, row, content)
        row.word, row.ground = ANNEX, ""
        _keep(app, tx, case, row, actor=actor, now=now)


def _numbered(app: App, tx: Transaction, case: CaseFile, number: int) -> Listed:
    for each in listed(app, tx, case):
        if each.number == number:
            return each
    raise UsageError(
        said("No document has number {number}; 'dsar document {case}' lists them.", number=number, case=case.reference)
    )


def _keep(app: App, tx: Transaction, case: CaseFile, row: CaseDocument, *, actor: str, now: datetime) -> None:
    row.actor, row.at = actor, now
    tx.keep_document(row)
    case.documents_open = open_count(app, tx, case)
    tx.add_case(case)
    detail = {"word": row.word, "ground": row.ground, "replaced": str(row.replaced)}
    tx.record("document_decided", actor=actor, at=now, case_id=case.id, detail=detail)


# -------------------------------------------------------------------------------------------------- in the answer


def _annexed(app: App, tx: Transaction, case: CaseFile) -> Iterator[tuple[Listed, CaseDocument, str]]:
    """(document, what is kept of it, its file name) of those that go with the answer."""
    language = letters.letter_language(case.language)
    for each in listed(app, tx, case):
        if each.row is not None and each.row.state == "kept" and each.row.word != LEFT_OUT:
            ending = PurePath(each.document.name).suffix.lower()
            name = _NAME.in_language(language).format(
                reference=case.reference, number=each.number, ending=ending if ending in _ENDINGS else ".bin"
            )
            yield each, each.row, name


def annexes(app: App, tx: Transaction, case: CaseFile) -> tuple[Annex, ...]:
    """The documents as files of the answer; names and types are ours, for the system's may be anybody's."""
    return tuple(
        Annex(filename=name, content_type="application/octet-stream", content=content_of(app, case, row))
        for _each, row, name in _annexed(app, tx, case)
    )


def told(app: App, tx: Transaction, case: CaseFile) -> tuple[AnnexedDocument, ...]:
    """What the answer lists of its documents."""
    own = own_of(app, case, accepted_records(app, tx, case, Right.ACCESS))
    return tuple(
        AnnexedDocument(
            filename=name,
            label=each.document.label,
            name="" if _passages(each, each.document.name.replace("_", " "), own) else each.document.name,
            system=app.system_label(each.record.system),
            size=row.size,
            sha256=row.sha256,
            redacted=row.replaced,
        )
        for each, row, name in _annexed(app, tx, case)
    )


def withheld(app: App, tx: Transaction, case: CaseFile) -> tuple[Withheld, ...]:
    """Documents that the answer leaves out, with the ground of each."""
    return tuple(
        Withheld(what=_left_out(each, app.system_label(each.record.system)), ground=GROUNDS[Ground(each.row.ground)])
        for each in listed(app, tx, case)
        if each.row is not None and each.row.word == LEFT_OUT
    )


def _left_out(each: Listed, system: Text) -> Text:
    return Text(
        sv=_LEFT_OUT.sv.format(label=each.document.label.sv, system=system.sv),
        en=_LEFT_OUT.en.format(label=each.document.label.en, system=system.en),
    )
