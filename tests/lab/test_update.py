"""New name, address, phone and e-mail over the whole lab, with what goes wrong there: an owner who writes at the same
moment, a system that is down, a product that refuses an address that another account has."""

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from journeys.company import body

from lab.company import LabCompany
from lab.people import OTHERS
from lab.seeds.clients import Vendure, port, web

LINNEA = OTHERS[14]
NEW_MAIL, NEW_PHONE = "linnea.ekdahl@nissansakeri.example", "+46701740690"
CHANGES = f"""Hej!

Jag har bytt namn från {LINNEA.name} till Linnéa Ekdahl.
Min gamla e-postadress är {LINNEA.email}, min nya e-postadress är {NEW_MAIL}.
Mitt nya mobilnummer är {NEW_PHONE}, det gamla är {LINNEA.phone}.
Min nya adress är Nygatan 4, 432 41 Varberg.

{LINNEA.name}
"""
CARD = f"/saljare1/kontakter/{LINNEA.key}.vcf"


class _OwnerWritesFirst(http.server.BaseHTTPRequestHandler):
    """Passes requests on to Radicale; just before the first PUT arrives, the owner of the card has written to it."""

    written = False

    def _pass_on(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.command == "PUT" and not type(self).written:
            type(self).written = True
            with web("CARDDAV", auth=("saljare1", "pw1")) as owner:
                stored = owner.get(CARD)
                changed = stored.text.replace("END:VCARD", "ROLE:Ny roll\r\nEND:VCARD")
                headers = {"If-Match": stored.headers["ETag"], "Content-Type": "text/vcard"}
                owner.put(CARD, content=changed.encode(), headers=headers).raise_for_status()
        sent = {name: value for name, value in self.headers.items() if name.lower() not in {"host", "accept-encoding"}}
        with web("CARDDAV") as behind:
            answer = behind.request(self.command, self.path, content=content, headers=sent)
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection", "content-encoding"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_PUT = do_REPORT = do_PROPFIND = do_OPTIONS = _pass_on  # noqa: N815  # the names that http.server calls

    def log_message(self, *_said: object) -> None:
        """Nothing: the paths name persons."""


@contextmanager
def owner_writes_first() -> Iterator[int]:
    """The port of an address book whose owner is always a little quicker, once."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _OwnerWritesFirst)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def at(company: LabCompany, name: str, address: str) -> None:
    """Another address in the settings of a system."""
    text = company.settings.read_text("utf-8")
    head, section, rest = text.partition(f"[system.{name}]")
    changed = re.sub(r"url = https?://127\.0\.0\.1:[^/\n]+", f"url = {address}", rest, count=1)
    company.settings.write_text(head + section + changed, "utf-8")


def state(company: LabCompany) -> str:
    (line,) = [each for each in company.queue() if each["reference"].endswith("/update")]
    return str(line["state"])


def decide(company: LabCompany, reference: str) -> None:
    """As staff would: the other account in the shop is somebody else's, whatever else is met is hers."""
    case = reference.partition("/")[0]
    data = company.ok("show", case, "--data", "--json").lines
    lines = [line for line in data if line.get("record", {}).get("strength") == "candidate"]
    asked = [line for line in lines if line["accepted"] is None]
    theirs = [str(each["number"]) for each in asked if each["record"]["object"] == "customer" and not is_hers(each)]
    hers = [str(each["number"]) for each in asked if str(each["number"]) not in theirs]
    for numbers, word in ((theirs, "--leave-out"), (hers, "--accept")):
        if numbers:
            company.ok("decide", case, *numbers, word)


def is_hers(line: dict[str, Any]) -> bool:
    return LINNEA.first in {value["value"] for value in line["record"]["values"]}


def approve(company: LabCompany, reference: str) -> None:
    decide(company, reference)
    company.ok("show", reference, "--letter", actor="bo")
    company.ok("approve", reference, actor="bo")


@pytest.fixture(scope="module")
def reference(company: LabCompany) -> str:
    """An update of all four in review; in the shop somebody else's account has the new address."""
    account = "mutation($i: CreateCustomerInput!) { createCustomer(input: $i) { __typename } }"
    Vendure().admin(account, i={"firstName": "L", "lastName": "E", "emailAddress": NEW_MAIL})
    company.write(f"{LINNEA.name} <{LINNEA.email}>", CHANGES)
    company.ok("poll")
    found = str(company.queue()[0]["reference"])
    case = found.partition("/")[0]
    company.ok("verify", case, "--method", "id_shown")
    return found


def new_values(company: LabCompany) -> dict[str, str]:
    """{system: all that it tells of who has the new address or number}"""
    found: dict[str, str] = {}
    answer = company.dsar("search", "--email", NEW_MAIL, "--phone", NEW_PHONE, "--json").lines[0]
    for record in answer["records"]:
        told = " | ".join(value["value"] for value in record["values"])
        found[record["system"]] = f"{found.get(record['system'], '')} {told}"
    return found


def test_a_card_that_its_owner_changes_at_the_same_moment_sends_the_update_back_to_review(
    company: LabCompany, reference: str
) -> None:
    """RFC 9110 section 13.1.1: the server refuses the stale ETag, and nobody's change is lost."""
    with owner_writes_first() as number:
        at(company, "carddav", f"http://127.0.0.1:{number}")
        approve(company, reference)
    at(company, "carddav", f"https://127.0.0.1:{port('CARDDAV')}")
    company.ok("poll")
    assert (_OwnerWritesFirst.written, state(company)) == (True, "review")
    with web("CARDDAV", auth=("saljare1", "pw1")) as owner:
        assert "ROLE:Ny roll" in owner.get(CARD).text  # what its owner wrote is not lost


def test_the_update_waits_for_a_system_that_is_down_and_tells_what_a_product_refuses(
    company: LabCompany, reference: str
) -> None:
    """The update of the test above, in every system; the shop says that another account has the new address."""
    decide(company, reference)
    company.ok("show", reference, "--letter", actor="bo")
    at(company, "mailman", "https://127.0.0.1:9")  # nobody listens there
    company.ok("approve", reference, actor="bo")
    assert state(company) == "applying"  # it is waited for
    at(company, "mailman", f"https://127.0.0.1:{port('MAILMAN')}")
    company.rows("UPDATE work SET due_at = '2026-01-01 06:00:00' WHERE step = 'apply'")
    company.ok("poll")
    assert state(company) == "review"  # the shop said no, which the letter has to tell

    approve(company, reference)
    text = body(company.letters_to(LINNEA.email)[-1])
    assert "Vi har ändrat dina uppgifter" in text
    assert "Återstår att ändra" in text
    now = new_values(company)
    for name in ("affarssystem", "carddav", "files", "marknadsforing", "rt", "tryton", "zabbix"):
        assert "Ekdahl" in now[name], name
    for name in ("files", "marknadsforing", "tryton", "zabbix"):
        assert "Nygatan 4" in now[name], name
    with web("CARDDAV", auth=("saljare1", "pw1")) as owner:
        card = owner.get(CARD).text
    assert NEW_MAIL in card
    assert "ROLE:Ny roll" in card
