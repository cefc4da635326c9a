"""
A PDF, DOCX, ODT, RTF, HTML, TXT or EML file -> its text, with that of what is attached.

Effects: reads the file; its parsers run in the guarded child process that also reads mail, for a CV comes from a
stranger as well. What can only be read by a person (a scan, a password, a picture) is an error: it is no "nothing
found" (P5).
"""

from pathlib import Path

from dsar import guard
from dsar.errors import DsarError
from dsar.model import InboundMail

_LARGEST_FILE_BYTES = 25_000_000
#: The reader of attachments stops here, so a text of this length is not known to be whole.
_LONGEST_TEXT = 100_000
_MAIL_ENDINGS = frozenset({".eml"})


def text_of(path: Path) -> str:
    """The text of the document. Raises: ValueError if it cannot be read whole; OSError."""
    if path.stat().st_size > _LARGEST_FILE_BYTES:
        raise ValueError("larger than a document should be")
    return text_in(path.suffix, path.read_bytes())


def text_in(ending: str, content: bytes) -> str:
    """As text_of, of a document in memory. Args: ending: of its name, ".pdf"."""
    is_mail = ending.lower() in _MAIL_ENDINGS
    mail = mail_in(content if is_mail else guard.as_mail(content, ending=ending.lower()))
    texts = [each.text for each in mail.attachment_texts]
    if not is_whole(mail):
        raise ValueError("only a person can read it")
    if is_mail:
        return "\n".join(filter(None, [*_heads(mail), mail.text, *texts]))
    if not texts and mail.attachments:
        raise ValueError("no kind of document that is read")
    return "\n".join(texts)


def mail_in(content: bytes) -> InboundMail:
    """A mail as a person would see it. Raises: ValueError if it cannot be read at all."""
    try:
        return guard.read_mail(content, own_domain="localhost")
    except DsarError as error:
        raise ValueError(type(error).__name__) from None


def is_whole(mail: InboundMail) -> bool:
    """Whether everything in *mail* was read; the rest only a person can read."""
    return not mail.unread and all(len(each.text) < _LONGEST_TEXT for each in mail.attachment_texts)


def _heads(mail: InboundMail) -> list[str]:
    people = [f"{mail.sender_name} {mail.sender or ''}".strip(), *mail.to, *mail.cc]
    return [mail.subject, *people]
