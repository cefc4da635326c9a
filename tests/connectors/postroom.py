"""Mailboxes of employees for tests: a declaration, mails, and the connector over a server."""

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Any

from servers import DovecotServer

from connectors import conformance
from connectors.imap import open_imap
from dsar.connector import Searches
from dsar.declaration import parse_declaration
from dsar.model import Identifier, IdentifierType, Record

MAILS = """
name = "mail"
kind = "imap"
label = {sv = "Medarbetares e-post", en = "Employees' mail"}

[[object]]
name = "mail"
label = {sv = "Mejl", en = "Mail"}
activities = ["A4"]
find = [
  {by = "email", columns = ["from", "to", "subject", "text", "quoted", "attachments"]},
  {by = "phone", columns = ["text", "quoted", "attachments"]},
  {by = "personnummer", columns = ["text", "quoted", "attachments"]},
  {by = "name", columns = ["text", "quoted", "attachments"]},
]
erase = {action = "delete"}
fields = [
  {column = "mailbox", label = {sv = "Brevlåda", en = "Mailbox"}, category = "technical", colleague = true},
  {column = "folder", label = {sv = "Mapp", en = "Folder"}, category = "technical"},
  {column = "arrived", label = {sv = "Kom", en = "Arrived"}, category = "log"},
  {column = "from", label = {sv = "Från", en = "From"}, category = "contact"},
  {column = "to", label = {sv = "Till", en = "To"}, category = "contact"},
  {column = "subject", label = {sv = "Ämne", en = "Subject"}, category = "note", free_text = true},
  {column = "text", label = {sv = "Text", en = "Text"}, category = "note", free_text = true},
  {column = "quoted", label = {sv = "Citerat", en = "Quoted"}, category = "note", free_text = true},
  {column = "attachments", label = {sv = "Bilagor", en = "Attachments"}, category = "note", free_text = true},
  {column = "private", label = {sv = "Privat", en = "Private"}, category = "technical", codes = {1 = {sv = "Ja", en = "Yes"}}},
  {column = "criminal", label = {sv = "Brott", en = "Offences"}, category = "criminal"},
]
"""  # noqa: E501  # a TOML inline table stands on one line


def mail(text: str, *, html: str = "", attached: Sequence[tuple[str, bytes]] = (), **heads: str) -> bytes:
    """A mail packed in base64, as Swedish text often is; heads: From = ..., In_Reply_To = ..."""
    message = EmailMessage()
    for name, value in {"From": "erik@example.se", "To": "anna@xelent.se", "Subject": "Hej", **heads}.items():
        message[name.replace("_", "-")] = value
    message.set_content(text, cte="base64")
    if html:
        message.add_alternative(html, subtype="html")
    for name, content in attached:
        message.add_attachment(content, "application", "octet-stream", filename=name)
    return bytes(message)


def connect(server: DovecotServer, *mailboxes: str, declaration: str = MAILS, **changes: str) -> Any:
    """The connector as master user over *mailboxes*."""
    options = {"host": "localhost", "port": str(server.imaps_port), "ca_file": str(server.ca_file)}
    options |= {"user": "dsar", "password": "test", "mailboxes": ", ".join(mailboxes), "timeout_seconds": "5"}
    return open_imap(name="mail", declaration=parse_declaration(declaration, source="test"), options=options | changes)


def found(connector: Searches, type_: IdentifierType, text: str) -> Sequence[Record]:
    """What a search finds that read everything."""
    return conformance.search(connector, type_, text)


def email(text: str) -> Identifier:
    return conformance.identifier(IdentifierType.EMAIL, text)


def value(record: Record, column: str) -> str:
    """The text in *column*; "" if there is none."""
    return next((each.value for each in record.values if each.path == column), "")
