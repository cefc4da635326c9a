"""Employees' mailboxes on a real Dovecot pass the suite."""

from email.message import EmailMessage
from typing import Any

import pytest
from servers import DovecotServer

from connectors import conformance
from connectors.imap import ImapEraser
from dsar.declaration import parse_declaration


class TestImap(
    conformance.SearchTests,
    conformance.HealthTests,
    conformance.AttachTests,
    conformance.EraseTests,
    conformance.LookUpTests,
    conformance.TurnTests,
):
    @pytest.fixture
    def connector(self, dovecot_server: DovecotServer, mail_user: str) -> Any:
        text = conformance.DECLARATION.format(kind="imap", place='documents = [{label = {sv = "Avtal", en = "A"}}]')
        for taken in (
            'key = "no"\n',
            'suppress = {column = "offers", value = "0"}\n',
            'update = {email = "mail", phone = "phone"}\n',
        ):
            text = text.replace(taken, "")
        text = text.replace("asserted_by", 'stored_in = "text", asserted_by')
        for row in conformance.ROWS:
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = "formular@xelent.se", f"{mail_user}@xelent.se", "Ny kund"
            mail.set_content("".join(f"{name}: {value}\n" for name, value in row.items()), cte="base64")
            if row["no"] == "K1":
                mail.add_attachment(conformance.PAPER.content, "text", "plain", filename=conformance.PAPER.name)
            dovecot_server.append(bytes(mail), mail_user)
        options = {"host": "localhost", "port": str(dovecot_server.imaps_port), "ca_file": str(dovecot_server.ca_file)}
        options |= {"user": "dsar", "password": "test", "mailboxes": mail_user, "changes": "on"}
        return ImapEraser(name="mail", declaration=parse_declaration(text, source="test"), options=options)
