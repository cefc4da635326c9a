"""How an answer travels: locked, its pass-phrase another way; on paper with a sheet for the envelope; in parts."""

import io
import os
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from servers import DovecotServer, SmtpSink
from servers.sms import PASSWORD, USER, SmsDouble

from .company import Company, body
from .quick import QuickCompany

pytestmark = [pytest.mark.journey, pytest.mark.keeps_mail]

MARIA = "maria.oberg@example.se"
REQUEST = "Jag vill veta vilka personuppgifter ni har om mig.\n\nMaria Öberg\n"
PHRASE = re.compile(r"\b(?:[a-z]{4}-){5}[a-z]{4}\b")


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Company:
    return QuickCompany(tmp_path, dovecot_server, smtp_sink, mail_user)


@pytest.fixture
def gateway(company: Company) -> Iterator[SmsDouble]:
    """The company has an SMS gateway."""
    with SmsDouble() as double:
        lines = f"provider = 46elks\nurl = {double.elks_url}\nuser = {USER}\npassword = {PASSWORD}\nsender = Xelent\n"
        company.settings.write_text(f"{company.settings.read_text('utf-8')}[sms]\n{lines}", "utf-8")
        yield double


def set_key(company: Company, section: str, line: str) -> None:
    text = company.settings.read_text("utf-8")
    company.settings.write_text(text.replace(f"[{section}]\n", f"[{section}]\n{line}\n", 1), "utf-8")


def ready(company: Company, text: str = REQUEST) -> str:
    """A request that only waits for its approval; its reference."""
    company.write(f"Maria Öberg <{MARIA}>", text)
    company.ok("poll")
    (line,) = company.undone()
    assert (line["waits_for"], line["blockers"]) == ("person: approve", [])
    return str(line["reference"])


def look(company: Company, reference: str) -> dict[str, Any]:
    return company.ok("show", reference, "--letter", "--json", actor="bo").lines[0]


def answer(company: Company, reference: str) -> list[EmailMessage]:
    """Approve the letter that was looked at; the mails by which it went."""
    before = len(company.letters_to(MARIA))
    look(company, reference)
    company.ok("approve", reference, actor="bo")
    return company.letters_to(MARIA)[before:]


def text_of(mail: EmailMessage) -> str:
    return " ".join(body(mail).split())


# ------------------------------------------------------------------------------------------------- the pass-phrase


def test_the_answer_is_locked_and_its_pass_phrase_comes_by_sms_to_the_phone_on_file(
    company: Company, gateway: SmsDouble
) -> None:
    reference = ready(company)
    case = reference.partition("/")[0]
    assert look(company, reference)["passphrase_by"] == "sms"
    (mail,) = answer(company, reference)

    (sms,) = gateway.taken
    assert sms["to"] == "+46701740608"
    (phrase,) = PHRASE.findall(sms["message"])
    (annex,) = mail.iter_attachments()
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(io.BytesIO(annex.get_content()))
    with pikepdf.open(io.BytesIO(annex.get_content()), password=phrase) as document:
        assert document.encryption.R == 6
        assert set(document.attachments) == {f"{case}.json", f"{case}.csv"}
    told = text_of(mail)
    assert "Så öppnar du svaret" in told
    assert "sms till" in told
    assert "+46701740608" not in told
    assert company.queue() == []


@pytest.mark.sqlite_file
def test_no_mail_and_no_copy_of_one_ever_holds_the_pass_phrase(company: Company, gateway: SmsDouble) -> None:
    """Whoever reads the mailbox, ours or theirs, must not be able to open what lies in it."""
    answer(company, ready(company))
    (phrase,) = PHRASE.findall(gateway.taken[0]["message"])

    assert all(phrase.encode() not in taken.content for taken in company.smtp.taken)
    assert len(company.sent_ids()) == 2
    assert phrase.encode() not in (company.folder / "dsar.db").read_bytes()
    assert phrase not in company.ok("show", "D-2026-00001", "--timeline").out


def test_without_a_gateway_staff_read_the_pass_phrase_out_and_that_is_recorded(company: Company) -> None:
    reference = ready(company)
    case = reference.partition("/")[0]
    (mail,) = answer(company, reference)
    assert "läser upp lösenfrasen" in text_of(mail)
    (waiting,) = company.queue()
    assert (waiting["waits_for"], waiting["reference"]) == ("person: phrase", case)

    assert PHRASE.search(company.ok("show", case, "--passphrase").out)

    assert company.queue() == []
    events = [line for line in company.ok("show", case, "--timeline", "--json").lines if line["event"] == "phrase_read"]
    assert [event["actor"] for event in events] == ["anna"]


def test_the_pass_phrase_waits_until_the_answer_has_left(company: Company, gateway: SmsDouble) -> None:
    reference = ready(company)
    set_key(company, "smtp", "port = 1")
    text = company.settings.read_text("utf-8")
    company.settings.write_text(re.sub(r"port = 1\n((?:.*\n)*?)port = \d+\n", r"port = 1\n\1", text, count=1), "utf-8")
    look(company, reference)
    company.ok("approve", reference, actor="bo")
    assert gateway.taken == []

    company.ok("recall", reference, actor="bo")
    assert gateway.taken == []


def test_who_cannot_open_the_answer_gets_the_pass_phrase_again_another_way(
    company: Company, gateway: SmsDouble, tmp_path: Path
) -> None:
    gateway.behave = "no"
    reference = ready(company)
    case = reference.partition("/")[0]
    answer(company, reference)
    (waiting,) = company.queue()
    assert "could not be sent by SMS" in waiting["blockers"][0]

    company.ok("passphrase", case, "--by", "letter")
    company.ok("post", case, "--save", str(tmp_path / "print"))
    printed = {file.name: pdf_text(file) for file in (tmp_path / "print").iterdir()}
    (address,) = [text for name, text in printed.items() if name == f"{case}-address.pdf"]
    (letter,) = [text for name, text in printed.items() if "phrase" in name]
    assert "Bäckagårdsvägen 51" in address
    assert PHRASE.search(letter)
    company.ok("post", case, "--posted")
    assert company.queue() == []


def test_business_contact_details_alone_may_travel_under_tls_only_where_the_settings_allow_it(
    company: Company,
) -> None:
    """Purchases are more than that: Maria's answer is locked whatever the settings say."""
    set_key(company, "letters", "open_at_low_risk = on")
    reference = ready(company)
    assert look(company, reference)["passphrase_by"] == "voice"


# ------------------------------------------------------------------------------------------------------------ parts


AGREEMENTS = """
name = "agreements"
kind = "files"
label = {sv = "Avtalspärmen", en = "The file of agreements"}
[[object]]
name = "agreement"
label = {sv = "Avtal", en = "Agreement"}
file = "*.csv"
key = "nr"
activities = ["A1"]
find = [{by = "email", columns = ["mail"]}]
documents = [{label = {sv = "Undertecknat avtal", en = "Signed agreement"}, file = "fil"}]
fields = [
  {column = "nr", label = {sv = "Nummer", en = "Number"}, category = "order", asserted_by = "company"},
  {column = "mail", label = {sv = "E-post", en = "E-mail"}, category = "contact", asserted_by = "company"},
]
"""


def with_documents(company: Company, documents: dict[str, bytes]) -> None:
    """The company keeps agreements with Maria in a folder, one file each."""
    folder = company.data / "agreements"
    folder.mkdir()
    rows = [f"A{number};{MARIA};{name}" for number, name in enumerate(documents, 1)]
    (folder / "avtal.csv").write_text("\n".join(["nr;mail;fil", *rows]), "utf-8")
    for name, content in documents.items():
        (folder / name).write_bytes(content)
    (company.data / "agreements.toml").write_text(AGREEMENTS, "utf-8")
    more = "[system.agreements]\nconnector = files\ndeclaration = data/agreements.toml\nfolder = data/agreements\n"
    company.settings.write_text(f"{company.settings.read_text('utf-8')}{more}", "utf-8")


def asked(company: Company) -> str:
    """A request of Maria's in review, whatever stands before its approval; its reference."""
    company.write(f"Maria Öberg <{MARIA}>", REQUEST)
    company.ok("poll")
    (line,) = company.undone()
    assert line["state"] == "review", line
    return str(line["reference"])


def test_an_answer_that_is_too_big_for_one_mail_comes_in_parts_that_say_so(company: Company) -> None:
    scans = {f"skannat-{number}.jpg": os.urandom(900_000) for number in range(3)}
    with_documents(company, scans)
    set_key(company, "smtp", "size_limit_mb = 2")
    reference = asked(company)
    case = reference.partition("/")[0]
    for number in (1, 2, 3):
        company.ok("document", case, str(number), "--annex")
    assert look(company, reference)["mails"] == 3
    mails = answer(company, reference)

    phrase = company.ok("show", case, "--passphrase", "--json").lines[0]["pass_phrase"]
    found: dict[str, bytes] = {}
    for number, mail in enumerate(mails, 1):
        assert mail["Subject"] == f"Ärende {case} (del {number} av 3)"
        assert f"Del {number} av 3" in text_of(mail)
        (annex,) = mail.iter_attachments()
        with pikepdf.open(io.BytesIO(annex.get_content()), password=phrase) as document:
            found |= {name: spec.get_file().read_bytes() for name, spec in document.attachments.items()}
    assert [found[f"{case}-bilaga-{number}.jpg"] for number in (1, 2, 3)] == list(scans.values())
    assert all(len(taken.content) <= 2_000_000 for taken in company.smtp.taken)
    (request,) = company.ok("show", case, "--json").lines[0]["requests"]
    assert (request["state"], request["outcome"]) == ("closed", "fulfilled")


def test_what_even_parts_cannot_carry_is_offered_on_paper_instead_of_bouncing(company: Company) -> None:
    with_documents(company, {"skannat.jpg": os.urandom(2_000_000)})
    set_key(company, "smtp", "size_limit_mb = 2")
    reference = asked(company)
    company.ok("document", reference.partition("/")[0], "1", "--annex")
    look(company, reference)
    refused = company.dsar("approve", reference, actor="bo")
    assert refused.exit_code == 1
    assert "too big for mail" in refused.err
    assert "dsar channel" in refused.err


# -------------------------------------------------------------------------------------------------------- documents


def test_a_document_about_the_person_alone_comes_with_the_answer_under_a_name_that_names_nobody(
    company: Company, tmp_path: Path
) -> None:
    content = "Serviceavtal för skrivaren hos Maria Öberg, som betalar 300 kronor i månaden.".encode()
    with_documents(company, {"avtal_maria.txt": content})
    reference = ready(company)
    case = reference.partition("/")[0]
    (mail,) = answer(company, reference)

    files = company.files_of(mail, case)
    assert files[f"{case}-bilaga-1.txt"] == content
    (tmp_path / "answer.pdf").write_bytes(files[f"{case}.pdf"])
    told = pdf_text(tmp_path / "answer.pdf")
    assert f"{case}-bilaga-1.txt" in told
    assert "Undertecknat avtal" in told


def test_a_document_in_which_others_stand_blocks_the_answer_until_a_person_decides(
    company: Company, tmp_path: Path
) -> None:
    content = "Serviceavtal. Vid frågor kontakta grannen Sixten Gustavsson, 070-174 05 99.".encode()
    with_documents(company, {"avtal.txt": content})
    reference = asked(company)
    case = reference.partition("/")[0]
    (line,) = company.undone()
    assert any("1 document(s)" in blocker for blocker in line["blockers"])
    look(company, reference)
    assert "dsar document" in company.dsar("approve", reference, actor="bo").err

    company.ok("document", case, "1", "--save", str(tmp_path / "look"))
    assert (tmp_path / "look" / f"{case}-document-1.txt").read_bytes() == content
    (tmp_path / "redacted.txt").write_text("Serviceavtal. Vid frågor kontakta [utelämnat].", "utf-8")
    company.ok("document", case, "1", "--replace", str(tmp_path / "redacted.txt"))
    (mail,) = answer(company, reference)
    files = company.files_of(mail, case)
    assert b"Sixten" not in b"".join(files.values())
    (tmp_path / "answer.pdf").write_bytes(files[f"{case}.pdf"])
    assert "uppgifter om andra är borttagna" in " ".join(pdf_text(tmp_path / "answer.pdf").split())


def test_a_document_that_was_changed_since_is_fetched_and_looked_through_anew(company: Company) -> None:
    """What the search has found is what the answer brings: no older copy, and no word on one (P5, P6)."""
    with_documents(company, {"avtal.txt": b"Serviceavtal."})
    reference = asked(company)
    case = reference.partition("/")[0]
    company.ok("document", case, "1", "--annex")
    changed = b"Serviceavtal, medsignerat av grannen Sixten Gustavsson."
    (company.data / "agreements" / "avtal.txt").write_bytes(changed)

    company.ok("decide", case, "--search-again")
    company.ok("poll")

    (line,) = company.undone()
    assert any("1 document(s)" in blocker for blocker in line["blockers"])
    company.ok("document", case, "1", "--annex")
    (mail,) = answer(company, reference)
    assert company.files_of(mail, case)[f"{case}-bilaga-1.txt"] == changed


def test_a_document_is_looked_at_once_its_person_turns_out_to_live_with_protected_identity(company: Company) -> None:
    """Where somebody lives can stand in what names nobody else."""
    with_documents(company, {"avtal.txt": b"Serviceavtal."})
    reference = ready(company)
    company.ok("protect", reference.partition("/")[0], "--reason", "markering i folkbokforingen", actor="bo")
    assert any("1 document(s)" in blocker for blocker in company.undone()[0]["blockers"])


def test_a_document_is_looked_at_once_a_word_is_taken_back_by_which_nobody_else_stood_in_it(company: Company) -> None:
    with_documents(company, {"avtal.txt": b"Serviceavtal."})
    phone = '{column = "tel", label = {sv = "Telefon", en = "Phone"}, category = "contact", asserted_by = "person"}'
    by_phone = AGREEMENTS.replace('["mail"]}]', '["mail"]}, {by = "phone", columns = ["tel"]}]')
    by_phone = by_phone.replace("fields = [", f"fields = [\n  {phone},")
    (company.data / "agreements.toml").write_text(by_phone, "utf-8")
    rows = ["nr;mail;fil;tel", f"A1;{MARIA};avtal.txt;", "A2;sixten@example.com;;070-1740608"]
    (company.data / "agreements" / "avtal.csv").write_text("\n".join(rows), "utf-8")
    reference = asked(company)
    case = reference.partition("/")[0]
    company.ok("decide", case, "--accept")
    content = "Serviceavtal för sixten@example.com, som betalar."
    (company.data / "agreements" / "avtal.txt").write_text(content, "utf-8")
    company.ok("decide", case, "--search-again")
    company.ok("poll")
    assert company.undone()[0]["blockers"] == []

    (number,) = [
        line["number"]
        for line in company.ok("show", case, "--data", "--json").lines[1:]
        if line["record"]["key"].endswith("A2")
    ]
    company.ok("decide", case, str(number), "--leave-out")
    company.ok("poll")

    assert any("1 document(s)" in blocker for blocker in company.undone()[0]["blockers"])


def test_a_document_that_is_left_out_is_listed_with_its_ground(company: Company) -> None:
    with_documents(company, {"avtal.txt": b"Hyrs ut av grannen Sixten Gustavsson."})
    reference = asked(company)
    case = reference.partition("/")[0]
    company.ok("document", case, "1", "--leave-out", "--ground", "secret")
    (mail,) = answer(company, reference)
    files = company.files_of(mail, case)
    assert set(files) == {f"{case}.pdf", f"{case}.json", f"{case}.csv"}
    assert "1 dokument (Undertecknat avtal, Avtalspärmen): Uppgiften är en företagshemlighet" in text_of(mail)


def pdf_text(file: Path) -> str:
    done = subprocess.run(["pdftotext", str(file), "-"], capture_output=True, text=True, check=True)
    return done.stdout


# ------------------------------------------------------------------------------------------------------------ paper


def test_a_letter_by_post_has_its_address_in_the_window_and_no_personnummer(company: Company, tmp_path: Path) -> None:
    reference = ready(company)
    case = reference.partition("/")[0]
    assert "Bäckagårdsvägen 51" in company.ok("channel", case, "post").out
    look(company, reference)
    company.ok("approve", reference, actor="bo")
    company.ok("post", case, "--save", str(tmp_path / "print"))

    sheet = pdf_text(tmp_path / "print" / f"{case}-address.pdf")
    assert "Maria Öberg" in sheet
    assert not re.search(r"\d{6}[-+]?\d{4}", sheet)
    assert len(company.letters_to(MARIA)) == 1  # the acknowledgement
    company.ok("post", case, "--posted")
    assert company.queue() == []


def test_an_answer_is_not_posted_to_an_address_that_is_only_claimed(company: Company) -> None:
    case = ready(company).partition("/")[0]
    refused = company.dsar("channel", case, "post", "--address", "Maria Öberg;Annangatan 1;111 11 Annanstad")
    assert refused.exit_code == 1
    assert "not on file" in refused.err


# ------------------------------------------------------------------------------------------- what the answer says


def test_what_became_of_the_other_rights_stands_in_the_answer(company: Company, tmp_path: Path) -> None:
    company.write(f"Maria Öberg <{MARIA}>", "Jag vill ha ett registerutdrag. Skicka mig ingen reklam.\n\nMaria Öberg\n")
    company.ok("poll")
    reference = next(str(line["reference"]) for line in company.undone() if line["reference"].endswith("/access"))
    for line in company.undone():
        if line["reference"].endswith("/object"):
            look(company, line["reference"])
            company.ok("approve", line["reference"], actor="bo")
    case = reference.partition("/")[0]
    mail = answer(company, reference)[-1]
    (tmp_path / "answer.pdf").write_bytes(company.files_of(mail, case)[f"{case}.pdf"])
    told = " ".join(pdf_text(tmp_path / "answer.pdf").split())
    assert "Det du också bad om" in told
    assert "få slut på reklam" in told
    assert "klart den" in told


def test_staff_add_words_of_their_own_which_are_shown_as_theirs(company: Company) -> None:
    reference = ready(company)
    look(company, reference)
    company.ok("note", reference, "-", stdin="Stolen från 2024 har två års garanti.\n")
    assert company.dsar("approve", reference, actor="bo").exit_code == 1  # the letter is another one now
    (mail,) = answer(company, reference)
    told = text_of(mail)
    assert "Meddelande från Anna Berg, som handlägger ditt ärende: Stolen från 2024 har två års garanti." in told


def test_passages_about_others_are_decided_one_by_one_while_reviewing(company: Company, tmp_path: Path) -> None:
    """Keys [p]eople, then [r]emove or [k]eep for each."""
    note = "Hämtade stolen. Ring grannen Sixten Gustavsson om den. Kontakta Greta Sandell."
    with sqlite3.connect(company.data / "business.db") as database:
        database.execute(
            "INSERT INTO notes (id, customer_no, written_on, written_by, body) VALUES (99, 'K20004', '2026-01-02', "
            "'Säljare', ?)",
            (note,),
        )
    reference = asked(company)
    case = reference.partition("/")[0]
    assert "2 passage(s)" in company.undone()[0]["blockers"][0]

    company.ok("review", case, actor="bo", stdin="p\nr\nk\n")

    assert company.undone()[0]["blockers"] == []
    mail = answer(company, reference)[-1]
    files = company.files_of(mail, case)
    assert b"Sixten" not in b"".join(files.values())
    (tmp_path / "answer.pdf").write_bytes(files[f"{case}.pdf"])
    told = " ".join(pdf_text(tmp_path / "answer.pdf").split())
    assert "Ring grannen [utelämnat: namn] om den. Kontakta Greta Sandell." in told
    assert "1 namn i fritext" in told
    assert "artikel 15.4" in told
