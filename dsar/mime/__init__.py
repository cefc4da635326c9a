"""
Raw bytes of a mail -> InboundMail, the mail as a person would see it.

Effects: none. The walk is our own over the stdlib's compat32 parser, with limits, because the modern policy of the
email package takes quadratic time on hostile headers and loses Swedish letters in mails with a wrong charset.

    message.py   bytes -> headers and leaf parts, within limits
    headers.py   RFC 2047 words, addresses, Message-IDs
    words.py     bytes -> text: charset ladder, control characters, format=flowed
    visible.py   HTML -> visible text
    quotes.py    text -> own text and quoted text
    machines.py  signs of a machine, bounces
"""

from email.message import Message

from dsar.errors import MalformedMailError
from dsar.mime.headers import Headers, decode_words
from dsar.mime.machines import failure_of, machine_signs, own_message_ids
from dsar.mime.message import Leaf, leaves, parse
from dsar.mime.quotes import cut_quotes
from dsar.mime.visible import visible_text
from dsar.mime.words import decode_text, printable, safe_filename, unflow
from dsar.model import Attachment, InboundMail

__all__ = ["read_mail"]

#: What the stdlib's parser is known to raise on mails that it was not made for.
_PARSER_ERRORS = (AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_FORWARDED = "-----Forwarded message-----"


def read_mail(content: bytes, *, own_domain: str = "xelent.se") -> InboundMail:
    """
    Read one mail.

    Args: content: the exact bytes; own_domain: domain of our own Message-IDs `<dsar-...@own_domain>`.
    Raises: MalformedMailError beyond the limits (depth 50, 500 parts, header block 1 MB, one header 64 kB) or when it
    is no mail at all. Anything else that is wrong with it becomes an entry in `defects`.
    """
    try:
        return _read(content, own_domain)
    except _PARSER_ERRORS:
        raise MalformedMailError("its structure is broken") from None


def _read(content: bytes, own_domain: str) -> InboundMail:
    message, defects = parse(content)
    headers = Headers(message)
    parts = leaves(message)
    body = _Body()
    for part in parts:
        body.take(part)
    text = body.text()
    own_text, quoted_text = cut_quotes(text)
    sender_name, sender = headers.sender()
    signs = machine_signs(message, headers, own_domain)
    failure = failure_of(message, signs)
    hops, hops_above = headers.trace()
    return InboundMail(
        message_id=next(iter(headers.message_ids("message-id")), None),
        in_reply_to=headers.message_ids("in-reply-to"),
        references=headers.message_ids("references"),
        sender=sender,
        sender_name=sender_name,
        reply_to=headers.addresses("reply-to"),
        to=headers.addresses("to"),
        cc=headers.addresses("cc"),
        subject=headers.text("subject"),
        text=text,
        own_text=own_text,
        quoted_text=quoted_text,
        attachments=tuple(body.attachments),
        authentication_results=headers.all_texts("authentication-results"),
        machine_signs=signs,
        is_bounce=failure.is_permanent,
        own_message_ids=own_message_ids([content, *(part.payload for part in parts)], own_domain),
        hidden_text=body.hidden_text,
        defects=tuple(dict.fromkeys([*defects, *headers.defects(), *body.defects])),
        hops=hops,
        hops_above=hops_above,
        arc=bool(headers.raw("arc-seal")),
        is_delay=failure.is_temporary,
        failed_recipients=failure.recipients,
    )


class _Body:
    """Collects the leaf parts of a mail into its visible text and its attachments."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._plain_of: dict[int, int] = {}  # multipart/alternative -> index of its plain text in _texts
        self.attachments: list[Attachment] = []
        self.hidden_text = False
        self.defects: list[str] = []

    def text(self) -> str:
        return "\n\n".join(text for text in self._texts if text).strip("\n")

    def take(self, part: Leaf) -> None:
        if part.starts_forwarded is not None:
            self._texts.append(_forwarded_head(part.starts_forwarded))
        if not part.is_text:
            name = safe_filename(decode_words(part.filename))
            self.attachments.append(Attachment(filename=name, content_type=part.content_type, content=part.payload))
        elif part.content_type == "text/html":
            self._take_html(part)
        else:
            self._take_plain(part)

    def _take_plain(self, part: Leaf) -> None:
        text = printable(self._decoded(part))
        if part.flowed:
            text = unflow(text, del_space=part.del_space)
        if part.alternative is not None:
            self._plain_of[part.alternative] = len(self._texts)
        self._texts.append(text.strip("\n"))

    def _take_html(self, part: Leaf) -> None:
        text, hidden = visible_text(self._decoded(part))
        text = printable(text).strip("\n")
        self.hidden_text |= hidden
        plain_at = self._plain_of.get(part.alternative) if part.alternative is not None else None
        if plain_at is None:
            self._texts.append(text)
            return
        plain = self._texts[plain_at]
        if _says_the_same(plain, text):
            return
        if plain.strip() and not _is_stub(plain, text):
            self.defects.append("the plain text and the HTML say different things")
            text = f"{plain}\n\n{text}"
        self._texts[plain_at] = text

    def _decoded(self, part: Leaf) -> str:
        text, as_declared = decode_text(part.payload, part.charset)
        if not as_declared:
            self.defects.append("the declared character set is wrong or unknown")
        return text


def _forwarded_head(message: Message) -> str:
    """The head of an attached mail, written as mail programs write it above a forwarded one."""
    headers = Headers(message)
    name, address = headers.sender()
    lines = (_FORWARDED, f"From: {name} <{address or ''}>", f"Date: {headers.arrived() or headers.text('date')}")
    return "\n".join((*lines, f"Subject: {headers.text('subject')}"))


def _says_the_same(plain: str, html: str) -> bool:
    """At least half of the words of the HTML stand in the plain text, or there are too few to tell."""
    wanted = {word for word in html.casefold().split() if word.isalpha()}
    return bool(plain.strip()) and len(wanted & set(plain.casefold().split())) * 2 >= len(wanted)


def _is_stub(plain: str, html: str) -> bool:
    """A plain text such as "this mail needs an HTML viewer"."""
    return len(plain.split()) < 25 and len(html.split()) > 2 * len(plain.split()) and "html" in plain.casefold()
