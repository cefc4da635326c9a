"""One access journey over the whole lab: the PDF against the seed, whatever the products say of themselves."""

import re
import subprocess
import uuid
from typing import Any

import pytest
from servers import DovecotServer, SmtpSink, TlsFiles

from lab.company import LabCompany
from lab.people import COMPANIES, ERIK, EVERYBODY, hyphened

REQUEST = f"""Hej!

Jag vill veta vilka personuppgifter ni har om mig. Skicka ett registerutdrag, tack.

{ERIK.name}
Kundnummer {ERIK.number}, telefon {ERIK.phone}
"""
DEVICE = "XM4521A00099"

#: System -> what `seeds/` put there about Erik, beside his name.
SEEDED = {
    "tryton": [
        *(
            ERIK.number,
            ERIK.email,
            ERIK.phone,
            hyphened(ERIK.personnummer or ""),
            ERIK.street,
            ERIK.postcode,
            ERIK.city,
        ),
        *("Webborder, levereras till Erik Lindqvist", "hyresavtal-erik.txt", "Hyresavtal Erik Lindqvist 19121212-1212"),
        "Ring efter kl 17, Erik jobbar natt. Mobil 070-765 43 21",
    ],
    "vendure": ["erik.privat@example.org", "Erik L (gäst)", "Ring Erik efter kl 17 på 070-765 43 21", "Toner svart"],
    "rt": [
        *("Hyrskrivare går sönder", "Hej! Jag heter Erik Lindqvist, personnr 19121212-1212, adress Västergatan 9."),
        *("Hej Erik, vi har bokat tekniker.", "rapport-Erik-Lindqvist.txt", "Hyrskrivare hos Erik Lindqvist"),
        "Intern: kunden (erik.lindqvist@example.se) är otrevlig",
    ],
    "zabbix": [DEVICE, f"Kontakt: {ERIK.name} {ERIK.email}", ERIK.address],
    "mailman": ["nyheter.nyhetsbrev.example", "service.nyhetsbrev.example", "nonmember"],
    "affarssystem": [
        *("41001", "41002", "26001", "26002", "2025-04-20", "2017-04-20", "H-1002", "2024-06-01", "2027-05-31"),
        *("Lämnas hos granne om ej hemma, ring 070-7654321", "Privat hyresman, personnr 19121212-1212"),
        *("Hyrskrivaren låter, kunden hemma efter 17", "Erik har bett om lägre hyra. Mejl: ERIK.LINDQVIST@EXAMPLE.SE"),
    ],
    "marknadsforing": [
        *("Köpt register: Adressbolaget Nord AB, leverans 2026-08", "192.0.2.1", "Kundavtal", "Höstkampanj 2026"),
        *("Påminnelse", "Hej Erik! Erbjudande till Västergatan 9 i Falkenberg.", "2026-08-15", "2026-11-15"),
    ],
    "carddav": ["Erik.Lindqvist@example.se", "Fråga efter Erik Lindqvist (erik.lindqvist@example.se)"],
    "dovecot": [
        "Offert på hyrskrivare",
        "Hej! Erik Lindqvist, Västergatan 9, 19121212-1212. Hör av er på 070-765 43 21.",
    ],
    "files": [
        *("Lindqvist, Erik", "Julkort", "Telefon sparad som tal, hemadress Västergatan 9", "46707654321"),
        *("Ring Erik på 070-765 43 21", "Lindqvist Erik", "0707654321"),
    ],
}
#: Whoever stands in a record as well: staff leave it out, for it is about them.
OTHERS = [text for each in EVERYBODY if each != ERIK for text in (each.name, each.email, each.number)]
FIRMS = [firm for each in COMPANIES.values() for firm in (each.name, each.domain)]


@pytest.fixture(scope="module")
def answer(dovecot_server: DovecotServer, tls_files: TlsFiles, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of the PDF that reached Erik: mail in, all systems searched, decided, approved, mailed."""
    folder = tmp_path_factory.mktemp("company")
    with SmtpSink(tls_files) as sink:
        company = LabCompany(folder, dovecot_server, sink, f"u{uuid.uuid4().hex[:12]}")
        company.write(f"{ERIK.name} <{ERIK.email}>", REQUEST)
        company.ok("poll")
        (waiting,) = company.queue()
        case = waiting["reference"].removesuffix("/access")
        company.ok("verify", case, "--method", "id_shown")
        _decide(company, case)
        passages = [str(line["number"]) for line in company.ok("redact", case, "--json").lines]
        company.ok("redact", case, *passages, "--keep")
        company.ok("show", waiting["reference"], "--letter", actor="bo")
        company.ok("approve", waiting["reference"], actor="bo")
        (folder / "answer.pdf").write_bytes(company.files_of(company.letters_to(ERIK.email)[-1], case)[f"{case}.pdf"])
    read = ["pdftotext", "-raw", str(folder / "answer.pdf"), "-"]
    return _squeezed(subprocess.run(read, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize(
    "fact", [pytest.param(fact, id=f"{system}-{fact}") for system, facts in SEEDED.items() for fact in facts]
)
def test_the_answer_holds_what_was_seeded(answer: str, fact: str) -> None:
    assert _squeezed(fact) in answer


@pytest.mark.parametrize("fact", [*OTHERS, *FIRMS, "XM4521A00017"])
def test_the_answer_holds_nothing_about_others(answer: str, fact: str) -> None:
    assert not re.search(rf"(?<!\w){re.escape(_squeezed(fact))}(?!\w)", answer)


def _decide(company: LabCompany, case: str) -> None:
    """As staff would: what names somebody else is left out, and the CV in which he is a referee; the rest is his."""
    undecided = {
        line["number"]: _about_others(line["record"])
        for line in company.ok("show", case, "--data", "--json").lines
        if line.get("record", {}).get("strength") == "candidate" and line["accepted"] is None
    }
    theirs = [str(number) for number, others in undecided.items() if others]
    his = [str(number) for number, others in undecided.items() if not others]
    company.ok("decide", case, *theirs, "--leave-out")
    company.ok("decide", case, *his, "--accept")


def _about_others(record: dict[str, Any]) -> bool:
    text = " ".join(value["value"] for value in record["values"])
    return record["object"] == "file" or any(name.casefold() in text.casefold() for name in (*OTHERS, *FIRMS))


def _squeezed(text: str) -> str:
    """Without the blanks and breaks of a page's lines and columns."""
    return "".join(text.split())
