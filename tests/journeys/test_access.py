"""Access: from a mail in the mailbox to the approved answer in the requester's."""

import json
import subprocess
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from .company import PRIVACY, Company

pytestmark = pytest.mark.journey

MARIA = "maria.oberg@example.se"
REQUEST = """Hej!

Jag vill veta vilka personuppgifter ni har om mig. Skicka ett registerutdrag, tack.

Vänliga hälsningar
Maria Öberg
"""


def inbox_of(company: Company, address: str) -> list[EmailMessage]:
    """The mails in a requester's own mailbox, as their mail program fetches them."""
    with company.dovecot.session(address) as client:
        client.select("INBOX", readonly=True)
        numbers = client.search(None, "ALL")[1][0].split()
        contents = [client.fetch(number.decode(), "(BODY.PEEK[])")[1][0] for number in numbers]
    parsed = [message_from_bytes(part[1], policy=policy.default) for part in contents if isinstance(part, tuple)]
    return [mail for mail in parsed if isinstance(mail, EmailMessage)]


def pdf_text(content: bytes, folder: Path) -> str:
    """The text of a PDF as a reader sees it."""
    (folder / "answer.pdf").write_bytes(content)
    done = subprocess.run(
        ["pdftotext", "-layout", str(folder / "answer.pdf"), "-"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_access_request_of_a_known_customer_is_answered(company: Company, tmp_path: Path) -> None:
    """Mail in, case opened, systems searched, letter approved, answer in the requester's mailbox, numbers right."""
    older = len(inbox_of(company, MARIA))  # other tests write to her, too
    company.write(f"Maria Öberg <{MARIA}>", REQUEST)

    company.ok("poll")
    (waiting,) = company.queue()
    assert (waiting["waits_for"], waiting["blockers"]) == ("person: approve", [])
    reference = waiting["reference"]
    case = reference.removesuffix("/access")
    assert MARIA in company.ok("show", reference, "--letter", actor="bo").out
    company.ok("approve", reference, actor="bo")

    acknowledgement, answer = inbox_of(company, MARIA)[older:]
    assert acknowledgement["Auto-Submitted"] == "auto-replied"
    assert answer["From"].addresses[0].addr_spec == PRIVACY
    assert answer["Subject"] == f"Ärende {case}"
    files = company.files_of(answer, case)
    assert set(files) == {f"{case}.pdf", f"{case}.json", f"{case}.csv"}
    text = pdf_text(files[f"{case}.pdf"], tmp_path)
    for expected in (MARIA, "Bäckagårdsvägen 51", "F24-0219", "W1004", "Marknadsdata i Väst AB", "Box 8114"):
        assert expected in text
    assert "K20004" in json.dumps(json.loads(files[f"{case}.json"]), ensure_ascii=False)

    assert company.undone() == []
    assert (company.mailbox_count("INBOX"), company.mailbox_count("DSAR-Done")) == (0, 1)
    assert answer["Message-ID"] in company.sent_ids()
    events = [line["event"] for line in company.ok("show", case, "--timeline", "--json").lines]
    steps = ["case_opened", "sorted", "identified", "searched", "approved", "dispatch_started", "dispatched"]
    assert [event for event in dict.fromkeys(events) if event in steps] == steps
    numbers = company.ok("stats", "--format", "csv").out.splitlines()
    assert numbers
    assert company.ok("audit", "verify", "--json").lines[0]["broken_at"] is None


def test_statistics_count_what_was_answered(company: Company) -> None:
    """One access request received, answered in time, zero days; nothing else is counted."""
    company.write(f"Maria Öberg <{MARIA}>", REQUEST)
    company.ok("poll")
    (waiting,) = company.queue()
    company.ok("show", waiting["reference"], "--letter", actor="bo")
    company.ok("approve", waiting["reference"], actor="bo")

    document = json.loads(company.ok("stats", "--json").out)

    total = document["total"]
    assert (total["received"], total["closed"], total["in_time"], total["late"]) == (1, 1, 1, 0)
