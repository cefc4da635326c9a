"""An office without a system is asked by mail: answered, misunderstood, never answered, answered too late."""

from pathlib import Path

import pytest
from servers import DovecotServer, SmtpSink

from .company import body
from .people import BOSS, KARIN, LARS, MARIA, Asking, later, references

pytestmark = [pytest.mark.journey, pytest.mark.keeps_mail]

CSV = "Namn;E-post;Telefon;Kaffe\nMaria Öberg;Maria.Oberg@example.se;;svart\nNågon Annan;annan@example.se;;vitt\n"
CARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Maria Öberg\r\nTEL:0340-555 12\r\nNOTE:Vill ha faktura på papper\r\nEND:VCARD\r\n"
)


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Asking:
    return Asking(tmp_path, dovecot_server, smtp_sink, mail_user)


# ------------------------------------------------------------------------------------------------------ the question


def test_the_office_is_asked_for_what_finds_the_person_and_told_no_more(company: Asking) -> None:
    """Name and contact points; no personnummer, nothing of what was written, nothing in the subject."""
    question = company.asked("Mitt personnummer är 19900101-2385. Ge mig registerutdrag enligt GDPR.\n\nMaria Öberg")

    text = body(question)
    assert "Maria Öberg" in text
    assert MARIA in text
    assert "2385" not in text
    assert "registerutdrag" not in text
    assert "Maria" not in str(question["Subject"])
    assert question["Auto-Submitted"] == "auto-generated"


def test_other_systems_go_on_and_nothing_is_approved_meanwhile(company: Asking) -> None:
    company.asked()

    assert (company.outcome(company.case(), "business"), company.outcome(company.case())) == ("found", "waiting")
    company.ok("show", company.case(), "--letter", actor="bo")
    refused = company.dsar("approve", company.case(), actor="bo")
    assert (refused.exit_code, "system branch is waiting" in refused.err) == (1, True)


def test_a_marketing_stop_waits_for_no_colleague(company: Asking) -> None:
    company.write(
        "Peter Sandberg <peter.sandberg@example.se>", "Hej!\n\nSluta skicka reklam till mig, tack.\n\nPeter Sandberg\n"
    )
    company.ok("poll")

    assert company.queue() == []
    assert company.letters_to(KARIN) == []


def test_one_mail_a_day_holds_all_that_is_open(company: Asking) -> None:
    company.asked()
    company.write(
        "John Whitfield <john.whitfield@example.com>",
        "Please send me a copy of all my personal data.\n\nJohn Whitfield\n",
    )
    company.ok("poll")
    assert len(company.letters_to(KARIN)) == 1

    with later(1):
        company.ok("poll")

    _, second = company.letters_to(KARIN)
    assert len(references(second)) == 2
    assert "John Whitfield" in body(second)


# ------------------------------------------------------------------------------------------------------- the answers


def test_nothing_is_signed_with_name_and_time(company: Asking) -> None:
    company.reply(company.asked(), "Hej!\n\nSaknas.\n\nMvh\nKarin")

    assert company.outcome(company.case()) == "nothing"
    (task,) = company.tasks("--all")
    assert task["state"] == "answered"
    assert task["answered"][0].startswith("nothing, Karin Holm, 2026-")
    assert "nothing, Karin Holm" in company.ok("show", company.case(), "--data").out
    company.approve(company.case())
    assert company.undone() == []


def test_a_register_is_read_into_values_and_others_are_left_out(company: Asking) -> None:
    company.reply(company.asked(), "Bifogar vår lista.", files=[("kunder.csv", CSV.encode("cp1252"))])

    (held,) = company.held(company.case())
    assert (held["name"], held["email"], held["text"]) == ("Maria Öberg", "Maria.Oberg@example.se", "Kaffe: svart")
    assert held["strength"] == "certain"  # it holds the proven address, which the office has entered


def test_a_contact_card_is_a_candidate_that_a_person_decides(company: Asking) -> None:
    company.reply(company.asked(), "finns:", files=[("maria.vcf", CARD.encode())])

    (held,) = company.held(company.case())
    assert (held["phone"], held["strength"]) == ("0340-555 12", "candidate")
    blocked = company.dsar("approve", company.case(), actor="bo")
    assert blocked.exit_code == 1
    company.ok("decide", company.case(), str(held["number"]), "--accept")
    for passage in company.ok("redact", company.case(), "--json").lines:
        company.ok("redact", company.case(), str(passage["number"]), "--keep")
    company.approve(company.case())
    files = company.files_of(company.letters_to(MARIA)[-1], company.case())
    assert any(b"0340-555 12" in content for name, content in files.items() if name.endswith(".json"))


def test_values_in_the_text_are_candidates(company: Asking) -> None:
    company.reply(company.asked(), "Finns: mobil 070-555 12 34, kund sedan 2019")
    (held,) = company.held(company.case())
    assert (held["text"], held["strength"]) == ("mobil 070-555 12 34, kund sedan 2019", "candidate")


def test_a_member_of_staff_writes_down_what_was_told_by_phone(company: Asking) -> None:
    (reference,) = references(company.asked())
    company.ok("task", "answer", reference, "--nothing", "--by", "Karin Holm")
    (task,) = company.tasks("--all")
    assert task["answered"][0].startswith("nothing, Karin Holm, as told to Anna Berg, ")
    assert company.outcome(company.case()) == "nothing"


def test_several_tasks_are_answered_in_one_mail_by_their_references(company: Asking) -> None:
    company.asked()
    company.write(
        "John Whitfield <john.whitfield@example.com>",
        "Please send me a copy of all my personal data.\n\nJohn Whitfield\n",
    )
    company.ok("poll")
    with later(1):
        company.ok("poll")
    both = company.letters_to(KARIN)[-1]
    first, second = references(both)

    company.reply(both, f"{first} saknas\n{second} finns: John kom hit 2025-03-02, telefon 070-111 22 33")

    assert company.outcome("D-2026-00001") == "nothing"
    assert [held["strength"] for held in company.held("D-2026-00002")] == ["candidate"]


def test_an_answer_that_could_be_to_either_is_asked_about_once_and_then_a_person_looks(company: Asking) -> None:
    question = company.asked()
    company.reply(question, "Jag tror att Lisa kanske vet?")
    _, clarity = company.letters_to(KARIN)
    assert references(question)[0] in str(clarity["Subject"])
    assert company.outcome(company.case()) == "waiting"

    company.reply(clarity, "Vet inte, fråga henne?")

    assert len(company.letters_to(KARIN)) == 2
    (line,) = [line for line in company.queue() if line["state"] == "task"]
    assert (line["waits_for"], line["blockers"]) == ("person: task", ["branch (D-2026-00001): unclear"])
    company.reply(question, "saknas")  # the colleague's own answer still counts
    assert company.outcome(company.case()) == "nothing"


# --------------------------------------------------------------------------------------------- who may answer, who not


@pytest.mark.parametrize(("sender", "finding"), [("lisa@xelent.example", "pass"), (KARIN, "fail"), (KARIN, "none")])
def test_whoever_was_not_asked_or_is_not_confirmed_answers_nothing(company: Asking, sender: str, finding: str) -> None:
    company.reply(company.asked(), "saknas", sender=sender, finding=finding)

    assert company.outcome(company.case()) == "waiting"
    (line,) = [line for line in company.queue() if line["reference"].startswith("M-")]
    assert (line["waits_for"], line["flags"]) == ("person: sort", ["internal", "task_reply_from_elsewhere"])


def test_a_stranger_who_quotes_a_reference_and_asks_for_data_is_heard_and_answers_nothing(company: Asking) -> None:
    question = company.asked()
    company.reply(question, "Jag vill ha ett registerutdrag.\n\nPeter Sandberg", sender="peter.sandberg@example.se")
    assert company.tasks("D-2026-00001")[0]["state"] == "open"
    (line,) = [line for line in company.queue() if line["reference"].startswith("M-")]
    assert (line["waits_for"], "task_reply_from_elsewhere" in line["flags"]) == ("person: sort", False)


def test_what_whoever_was_asked_wants_for_themselves_goes_before_a_person(company: Asking) -> None:
    """An answer that nobody understands may be a request of its own: a colleague's, or one that they pass on (P1)."""
    company.reply(company.asked(), "Jag vill att ni raderar alla uppgifter som ni har om mig.\n\nKarin Holm")
    (line,) = [line for line in company.queue() if line["reference"].startswith("M-")]
    assert (line["waits_for"], line["flags"]) == ("person: sort", ["internal", "task_remark"])
    assert len(company.letters_to(KARIN)) == 2  # and what they hold is asked once more


def test_an_out_of_office_notice_answers_nothing_and_sends_the_question_to_the_deputy(company: Asking) -> None:
    question = company.asked()
    company.reply(question, "Saknas på kontoret till 1 december.", headers=[("Auto-Submitted", "auto-replied")])

    assert company.outcome(company.case()) == "waiting"
    (to_deputy,) = company.letters_to(LARS)
    assert references(to_deputy) == references(question)
    assert "in place of Karin Holm" in body(to_deputy)

    company.reply(to_deputy, "nothing", sender=LARS)

    assert company.outcome(company.case()) == "nothing"
    assert company.tasks("--all")[0]["answered"][0].startswith("nothing, Lars Ström")


def test_in_a_known_absence_the_deputy_is_asked_at_once(company: Asking) -> None:
    text = company.settings.read_text("utf-8")
    company.settings.write_text(
        text.replace("[colleague.karin]", "[colleague.karin]\nabsent = 2026-01-01..2027-12-31"), "utf-8"
    )
    company.write(f"Maria Öberg <{MARIA}>", "Jag vill ha ett registerutdrag.\n\nMaria Öberg")
    company.ok("poll")

    assert company.letters_to(KARIN) == []
    assert len(company.letters_to(LARS)) == 1


def test_a_mail_that_comes_back_goes_before_a_person(company: Asking) -> None:
    question = company.asked()
    bounce = (
        f"From: MAILER-DAEMON@xelent.example\r\nReturn-Path: <>\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nNo such user.\r\n"
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        f"Final-Recipient: rfc822; {KARIN}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {question['Message-ID']}\r\n\r\nx\r\n--b--\r\n"
    )
    company.dovecot.deliver(bounce.encode(), company.user)
    company.ok("poll")

    assert (company.tasks()[0]["state"], company.tasks()[0]["why"]) == ("person", "unreachable")


# -------------------------------------------------------------------------------------------- never answered, too late


def test_nobody_answers_reminders_escalation_and_an_interim_answer(company: Asking) -> None:
    """Days 3, 7 and 10; then the manager and the handler; the person gets what was found, and the place is named."""
    company.asked()
    written = []
    for day in (1, 3, 4, 7, 10, 11, 12):
        with later(day):
            company.dsar("check", "--clock-is-right")
            company.ok("poll")
        written.append(len(company.letters_to(KARIN)))
    assert written == [1, 2, 2, 3, 4, 4, 4]
    assert str(company.letters_to(KARIN)[1]["Subject"]).startswith("Påminnelse: ")
    (word,) = company.letters_to(BOSS)
    assert "Karin Holm" in body(word)
    assert "Maria" not in body(word)

    with later(28):
        company.dsar("check", "--clock-is-right")
        company.ok("interim", company.case(), "--reason", "kontoret svarar inte", actor="bo")
        company.ok("interim", company.case(), "--reason", "kontoret svarar inte", "--send", actor="bo")
        company.ok("poll")

    answer = company.letters_to(MARIA)[-1]
    assert "Kontoret i Kungälv" in body(answer)
    assert "ännu inte" in body(answer) or "inte svarat" in body(answer)
    assert [line["reference"] for line in company.undone()] == [f"{company.case()}/access"]


def test_what_is_found_after_the_letter_left_goes_before_a_person(company: Asking) -> None:
    """Reopened, the next letter holds it, too."""
    question = company.asked()
    company.reply(question, "saknas")
    company.approve(company.case())
    assert company.undone() == []

    company.reply(question, "Hittade en lapp. Finns: maria.oberg@example.se, 0340-555 12")

    (line,) = company.undone()
    assert (line["reference"], line["blockers"]) == (references(question)[0], ["branch (D-2026-00001): late"])
    company.ok("reopen", f"{company.case()}/access", "--reason", "mer kom fram", actor="bo")
    company.ok("poll")
    assert len(company.held(company.case())) == 1
    company.ok("task", "settle", references(question)[0])
    assert [line["reference"] for line in company.undone()] == [f"{company.case()}/access"]
