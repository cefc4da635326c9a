"""
Leaf parts of a mail -> its text, its attachments, and what the attachments say.

Effects: none.
"""

import re
from collections.abc import Callable
from email.message import Message

from dsar.mime.containers import ENCRYPTED, is_pgp_message, take_uuencoded, without_armour
from dsar.mime.documents import LARGE, PICTURE, SCAN, is_picture, read_document, scanned_pages
from dsar.mime.headers import Headers, decode_words
from dsar.mime.message import Leaf
from dsar.mime.quotes import cut_text
from dsar.mime.visible import visible_text
from dsar.mime.words import decode_text, printable, safe_filename, unflow
from dsar.model import Attachment, AttachmentText

_FORWARDED = "-----Forwarded message-----"
#: A book; what people write is a thousandth of it.
_LONGEST_TEXT_BYTES = 2_000_000
#: Attachments of one mail that are read; who sends more is read by a person.
_MOST_DOCUMENTS = 20
#: A logo is smaller than a photograph of a letter.
_SMALLEST_PICTURE_BYTES = 20_000
#: Pictures of one mail that are read, and as many scans; who sends more is read by a person.
_MOST_PICTURES = 3
#: A picture with fewer words is none of a letter, or is written by hand.
_FEWEST_LEGIBLE = 5
_WORD = re.compile(r"[^\W\d_]{3,}")
#: Who writes more than this does not say it in a picture.
_FEW_WORDS = 30


class Body:
    """Collects the leaf parts of a mail into its visible text, its attachments and their text."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._mail_of: list[int] = []  # number of the attached mail of each text
        self._subjects: dict[int, str] = {}  # number of an attached mail -> its subject
        self._plain_of: dict[int, int] = {}  # multipart/alternative -> index of its plain text in _texts
        self._documents: list[AttachmentText] = []
        self._tried = 0
        self._unread: list[str] = []
        self._pictures: list[tuple[str, bytes]] = []  # name and bytes of each that may be a photographed letter
        self._scans: list[tuple[str, bytes]] = []
        self.attachments: list[Attachment] = []
        self.hidden_text = False
        self.defects: list[str] = []

    def text(self) -> str:
        """The whole visible text, that of attached mails below a line that says so."""
        return "\n\n".join(text for text in self._texts if text).strip("\n")

    def attachment_texts(self) -> tuple[AttachmentText, ...]:
        """What attached documents and mails say, without what the latter quote."""
        mails = [
            AttachmentText(filename=safe_filename(subject), text=f"{subject}\n\n{self._own_text_of(number)}".strip())
            for number, subject in self._subjects.items()
        ]
        return (*self._documents, *(mail for mail in mails if mail.text))

    def unread(self) -> tuple[str, ...]:
        """What only a person can read, and why."""
        return tuple(dict.fromkeys(self._unread))

    def read_pictures(self, own_text: str, read_picture: Callable[[bytes], str] | None) -> None:
        """
        Read scans, and pictures where *own_text* says little; what stays without text only a person can read.

        Args: read_picture: picture -> text on it, "" if it finds none; None: pictures cannot be read.
        """
        pictures = self._pictures if len(own_text.split()) < _FEW_WORDS else []
        for reason, found, pages in ((SCAN, self._scans, scanned_pages), (PICTURE, pictures, lambda each: [each])):
            for name, content in found[:_MOST_PICTURES]:
                texts = [read_picture(page) for page in pages(content)] if read_picture else []
                text = printable("\n".join(texts)).strip()
                if len(_WORD.findall(text)) >= _FEWEST_LEGIBLE:
                    self._documents.append(AttachmentText(filename=name, text=text, from_picture=True))
                else:
                    self._unread.append(reason)
            self._unread += [reason] if len(found) > _MOST_PICTURES else []

    def take(self, part: Leaf) -> None:
        """Add the next part."""
        if part.starts_forwarded is not None:
            self._start_mail(part.starts_forwarded, part.mail)
        if part.unread:
            self._unread.append(part.unread)
        if not part.is_text:
            self._attach(part.filename, part.content_type, part.payload, opaque=bool(part.unread))
        elif part.content_type == "text/html":
            self._take_html(part)
        else:
            self._take_plain(part)

    def _start_mail(self, message: Message, number: int) -> None:
        headers = Headers(message)
        self._subjects[number] = headers.text("subject")
        self._add(_forwarded_head(headers), 0)

    def _own_text_of(self, mail: int) -> str:
        texts = [text for text, number in zip(self._texts, self._mail_of, strict=True) if number == mail and text]
        cut = cut_text("\n\n".join(texts))
        return f"{cut.own}\n\n{cut.signature}"

    def _attach(self, filename: str, content_type: str, content: bytes, *, opaque: bool = False) -> None:
        name = safe_filename(decode_words(filename))
        self.attachments.append(Attachment(filename=name, content_type=content_type, content=content))
        if opaque:
            return
        if is_picture(content_type, content):
            if len(content) >= _SMALLEST_PICTURE_BYTES:
                self._pictures.append((name, content))
            return
        self._tried += 1
        if self._tried > _MOST_DOCUMENTS:
            self._unread.append(LARGE)
            return
        reading = read_document(name, content_type, content)
        if reading.unread == SCAN:
            self._scans.append((name, content))
        elif reading.unread:
            self._unread.append(reading.unread)
        if reading.text.strip():
            self._documents.append(AttachmentText(filename=name, text=reading.text))

    def _take_plain(self, part: Leaf) -> None:
        text, files = take_uuencoded(printable(self._decoded(part)))
        for file in files:
            self._attach(file.filename, "application/octet-stream", file.content)
        if is_pgp_message(text):
            self._unread.append(ENCRYPTED)
        text = without_armour(text)
        if part.flowed:
            text = unflow(text, del_space=part.del_space)
        if part.again and _says_the_same(self.text(), text):
            return
        if part.alternative is not None:
            self._plain_of[part.alternative] = len(self._texts)
        self._add(text.strip("\n"), part.mail)

    def _take_html(self, part: Leaf) -> None:
        visible = visible_text(self._decoded(part))
        text = printable(visible.text).strip("\n")
        self.hidden_text |= visible.hides
        if part.again and _says_the_same(self.text(), text):
            return
        plain_at = self._plain_of.get(part.alternative) if part.alternative is not None else None
        if plain_at is None:
            self._unread += [ENCRYPTED] if is_pgp_message(text) else []
            self._add(text, part.mail)
            return
        plain = self._texts[plain_at]
        if _says_the_same(plain, text):
            self._texts[plain_at] = text if visible.strikes and text else plain  # plain text cannot strike through
            return
        if plain.strip() and not _is_stub(plain, text):
            self.defects.append("the plain text and the HTML say different things")
            text = f"{plain}\n\n{text}"
        self._texts[plain_at] = text

    def _add(self, text: str, mail: int) -> None:
        self._texts.append(text)
        self._mail_of.append(mail)

    def _decoded(self, part: Leaf) -> str:
        if len(part.payload) > _LONGEST_TEXT_BYTES:
            self._unread.append("the mail is too long to be read whole")
        text, as_declared = decode_text(part.payload[:_LONGEST_TEXT_BYTES], part.charset)
        if not as_declared:
            self.defects.append("the declared character set is wrong or unknown")
        return text


def _forwarded_head(headers: Headers) -> str:
    """The head of an attached mail, written as mail programs write it above a forwarded one."""
    name, address = headers.sender()
    lines = (_FORWARDED, f"From: {name} <{address or ''}>", f"Date: {headers.arrived() or headers.text('date')}")
    return "\n".join((*lines, f"Subject: {headers.text('subject')}"))


def _says_the_same(plain: str, html: str) -> bool:
    """At least half of the words of the HTML stand in the plain text, or there are too few to tell."""
    wanted = set(filter(str.isalpha, set(html.casefold().split())))
    return bool(plain.strip()) and len(wanted & set(plain.casefold().split())) * 2 >= len(wanted)


def _is_stub(plain: str, html: str) -> bool:
    """A plain text such as "this mail needs an HTML viewer"."""
    return len(plain.split()) < 25 and len(html.split()) > 2 * len(plain.split()) and "html" in plain.casefold()
