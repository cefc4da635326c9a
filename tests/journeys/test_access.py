"""Access: from a mail in the mailbox to the approved answer in the requester's."""

import json

import pytest

from .company import Company

pytestmark = pytest.mark.journey

REQUEST = """Hej!

Jag vill veta vilka personuppgifter ni har om mig. Skicka ett registerutdrag, tack.

Vänliga hälsningar
Maria Öberg
"""


def test_access_request_of_a_known_customer_is_answered(company: Company) -> None:
    """Mail in, case opened, systems searched, letter approved, answer with the right data out, numbers right."""
    company.write("Maria Öberg <maria.oberg@example.se>", REQUEST)

    company.ok("poll")
    (waiting,) = company.queue()
    assert waiting["reference"].endswith("/access")
    assert waiting["waits_for"] == "person: approve"
    case = waiting["reference"]

    text = company.ok("show", case, "--letter").out
    assert "maria.oberg@example.se" in text
    company.ok("approve", case, actor="bo")

    acknowledgement, answer = company.letters_to("maria.oberg@example.se")
    assert acknowledgement["Auto-Submitted"] == "auto-replied"
    assert "registerutdrag" not in acknowledgement.get_content_type()
    annexes = {part.get_filename(): part for part in answer.iter_attachments()}
    reference = case.partition("/")[0]
    assert set(annexes) == {f"{reference}.pdf", f"{reference}.json", f"{reference}.csv"}
    data = json.loads(annexes[f"{reference}.json"].get_content())
    assert "maria.oberg@example.se" in json.dumps(data, ensure_ascii=False)
    assert company.queue() == []
    (month,) = [line for line in company.ok("stats", "--json").lines][:1]
    assert month
