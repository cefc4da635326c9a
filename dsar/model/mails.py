"""
inbox -> mime -> triage: a mail as it lay on the server, and as read.

Effects: none.
"""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import BinaryIO


@dataclass(frozen=True, kw_only=True)
class RawMail:
    """One mail as it lay on the server; evidence, never reserialised."""

    mailbox: str  #: Name of the mailbox in settings.
    folder: str  #: IMAP folder it was seen in.
    uid_validity: int  #: Epoch of *uid*.
    uid: int  #: UID within the folder and epoch.
    received_at: datetime  #: INTERNALDATE: arrival at the mail server, where the legal clock starts.
    content: bytes  #: The exact bytes; b"" of a mail too big for memory, which lies in `spool`.
    spool: BinaryIO | None = field(default=None, repr=False)  #: Temporary file with the exact bytes of a big mail.
    stated_size: int | None = None  #: RFC822.SIZE, which some servers get wrong; only ever compared with itself.

    def pieces(self) -> Iterator[bytes]:
        """The exact bytes, in order; at most 1 MB at a time from a file."""
        if self.spool is None:
            yield self.content
            return
        self.spool.seek(0)
        while piece := self.spool.read(1 << 20):
            yield piece

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.content) if self.spool is None else self.spool.seek(0, io.SEEK_END)

    @cached_property
    def sha256(self) -> str:
        """Identity of the mail: hex digest of the exact bytes."""
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()


# ----------------------------------------------------------------------------------- mime -> triage: InboundMail


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A part of a mail that is not its text; nothing in it is opened or unpacked here."""

    filename: str  #: Base name without control or bidi characters; "" if the mail gave none.
    content_type: str  #: As declared, lower-case.
    content: bytes  #: Decoded bytes.


@dataclass(frozen=True, kw_only=True)
class AttachmentText:
    """What an attached document says."""

    filename: str  #: As in Attachment.
    text: str  #: Visible text, free of control and bidi characters.
    from_picture: bool = False  #: A machine read it from a picture or a scan; any letter may be wrong.


@dataclass(frozen=True, kw_only=True)
class InboundMail:
    """A mail as read: headers that matter and text as a person would see it, free of control and bidi characters."""

    message_id: str | None  #: With its angle brackets; a hint, never a key.
    in_reply_to: tuple[str, ...]  #: Message-IDs.
    references: tuple[str, ...]  #: Message-IDs, oldest first.
    sender: str | None  #: The one address of the one From header; None if missing, several or ambiguous.
    sender_name: str  #: Display name, "" if none.
    reply_to: tuple[str, ...]  #: Addresses.
    to: tuple[str, ...]  #: Addresses.
    cc: tuple[str, ...]  #: Addresses.
    subject: str
    text: str  #: The whole visible text.
    own_text: str  #: *text* without quoted earlier mail, the signature delimiter's tail, *signature* and legal footers.
    quoted_text: str  #: What *own_text* and *signature* leave out.
    attachments: tuple[Attachment, ...]
    authentication_results: tuple[str, ...]  #: Values of those headers, topmost first.
    machine_signs: tuple[str, ...]  #: Why no machine answer may go out, e.g. "auto-submitted", "null-return-path".
    is_bounce: bool  #: It reports that a mail could not be delivered for good.
    own_message_ids: tuple[str, ...]  #: Message-IDs of our own letters found anywhere in the raw mail.
    hidden_text: bool  #: The HTML holds text that a person would not see; it is not part of *text*.
    defects: tuple[str, ...]  #: What was wrong with the mail, in words without its content.
    signature: str = ""  #: The sign-off that ends *own_text* and the writer's name and address below it.
    attachment_texts: tuple[AttachmentText, ...] = ()  #: Of the attached documents that can be read.
    unread: tuple[str, ...] = ()  #: What of the mail only a person can read, and why: "the mail is encrypted".
    hops: tuple[str, ...] = ()  #: Servers that say they took the mail in, by their Received headers, topmost first.
    hops_above: tuple[int, ...] = ()  #: For each of *authentication_results*: how many Received headers are above it.
    arc: bool = False  #: A relay sealed what it found out (RFC 8617).
    is_delay: bool = False  #: It reports that a mail was not delivered yet.
    written_on: date | None = None  #: Day of the Date header as its sender wrote it; never where a clock starts.
    failed_recipients: tuple[str, ...] = ()  #: Addresses that a bounce says were not reached for good.
