"""
Raw bytes of a mail -> InboundMail, the mail as a person would see it.

Effects: none. The walk is our own over the stdlib's compat32 parser, with limits, because the modern policy of the
email package takes quadratic time on hostile headers and loses Swedish letters in mails with a wrong charset.

    message.py     bytes -> headers and leaf parts, within limits
    containers.py  TNEF, S/MIME, uuencode, PGP -> what they hold
    headers.py     RFC 2047 words, addresses, Message-IDs
    body.py        leaf parts -> text and attachments
    words.py       bytes -> text: charset ladder, control characters, format=flowed
    visible.py     HTML -> visible text
    documents.py   attached documents -> text, or why only a person can read them
    rtf.py         RTF -> visible text
    quotes.py      text -> own text, signature, quoted text
    machines.py    signs of a machine, bounces
"""

from collections.abc import Callable

from dsar.errors import MalformedMailError
from dsar.mime.body import Body
from dsar.mime.headers import Headers
from dsar.mime.machines import failure_of, machine_signs, own_message_ids
from dsar.mime.message import leaves, parse
from dsar.mime.quotes import cut_text
from dsar.model import InboundMail

__all__ = ["read_mail"]

#: What the stdlib's parser is known to raise on mails that it was not made for.
_PARSER_ERRORS = (AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def read_mail(
    content: bytes, *, own_domain: str = "xelent.se", read_picture: Callable[[bytes], str] | None = None
) -> InboundMail:
    """
    Read one mail.

    Args: content: the exact bytes; own_domain: domain of our own Message-IDs `<dsar-...@own_domain>`; read_picture:
    picture -> the text on it; None: pictures and scans are for a person.
    Raises: MalformedMailError beyond the limits (depth 50, 500 parts, header block 1 MB, one header 64 kB) or when it
    is no mail at all. Anything else that is wrong with it becomes an entry in `defects`, and what only a person can
    read an entry in `unread`.
    """
    try:
        return _read(content, own_domain, read_picture)
    except _PARSER_ERRORS:
        raise MalformedMailError("its structure is broken") from None


def _read(content: bytes, own_domain: str, read_picture: Callable[[bytes], str] | None) -> InboundMail:
    message, defects = parse(content)
    headers = Headers(message)
    parts = leaves(message)
    body = Body()
    for part in parts:
        body.take(part)
    text = body.text()
    cut = cut_text(text)
    body.read_pictures(cut.own, read_picture)
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
        own_text=cut.own,
        quoted_text=cut.quoted,
        attachments=tuple(body.attachments),
        authentication_results=headers.all_texts("authentication-results"),
        machine_signs=signs,
        is_bounce=failure.is_permanent,
        own_message_ids=own_message_ids([content, *(part.payload for part in parts)], own_domain),
        hidden_text=body.hidden_text,
        defects=tuple(dict.fromkeys([*defects, *headers.defects(), *body.defects])),
        signature=cut.signature,
        attachment_texts=body.attachment_texts(),
        unread=body.unread(),
        hops=hops,
        hops_above=hops_above,
        arc=bool(headers.raw("arc-seal")),
        is_delay=failure.is_temporary,
        failed_recipients=failure.recipients,
        written_on=headers.written_on(),
    )
