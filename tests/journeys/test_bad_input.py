"""What goes wrong from outside: settings, keys, servers, systems, mails, and people who are not allowed to."""

import base64
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner
from servers import DovecotServer, Fault, SmtpSink

from dsar.cli import main

from .company import PRIVACY, Company, body
from .quick import QuickCompany
from .test_access import REQUEST

pytestmark = pytest.mark.journey

MARIA = "Maria Öberg <maria.oberg@example.se>"
PETER = "Peter Sandberg <peter.sandberg@example.se>"  # the web shop has an order that may be his
STRANGER = "Olle Ek <olle@example.org>"
DOWN = "postgresql+psycopg://nobody@127.0.0.1:1/none"


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Company:
    return QuickCompany(tmp_path, dovecot_server, smtp_sink, mail_user)


def ask(company: Company, sender: str = MARIA, text: str | None = None, **how: str) -> str:
    """Let *sender* ask for access; returns CASE/RIGHT."""
    name = sender.partition(" <")[0]
    company.write(sender, text or REQUEST.replace("Maria Öberg", name), **how)  # type: ignore[arg-type]
    company.ok("poll")
    reference: str = company.queue()[-1]["reference"]
    return reference


def ready(company: Company, sender: str = MARIA) -> str:
    """A case whose letter somebody has looked at."""
    reference = ask(company, sender)
    company.ok("show", reference, "--letter", actor="bo")
    return reference


def case_of(reference: str) -> str:
    return reference.partition("/")[0]


def refused(company: Company, *arguments: str, actor: str = "bo", exit_code: int = 1) -> str:
    """What a command says that must not be done; it is one sentence on stderr."""
    done = company.dsar(*arguments, actor=actor)
    assert (done.exit_code, done.out) == (exit_code, "")
    return done.err


@contextmanager
def changed(company: Company, old: str, new: str) -> Iterator[None]:
    """Settings with something else in them, for a while."""
    settings = company.settings.read_text("utf-8")
    assert old in settings
    company.settings.write_text(settings.replace(old, new), "utf-8")
    yield
    company.settings.write_text(settings, "utf-8")


def later(**time: float) -> time_machine.travel:
    """The program's clock, put forward."""
    return time_machine.travel(datetime.now(UTC) + timedelta(**time), tick=True)


# --------------------------------------------------------------------------------------------------- settings, keys


def test_a_missing_settings_file_is_named(company: Company) -> None:
    company.settings.unlink()
    assert "settings.ini" in refused(company, "queue", exit_code=2)


def test_all_faults_of_settings_are_told_at_once_with_section_and_key(company: Company) -> None:
    text = company.settings.read_text("utf-8")
    text = text.replace("security = tls", "security = tsl").replace("marketing_stop = on", "marketing_stop = perhaps")
    company.settings.write_text(text.replace("role = handler", "role = boss"), "utf-8")

    told = refused(company, "poll", exit_code=2)

    for place in (r"\[mailbox\.privacy\] security", r"\[smtp\] security", r"\[automatic\] marketing_stop"):
        assert re.search(place, told), told
    assert re.search(r"\[staff\.anna\] role", told), told


@pytest.mark.sqlite_file
def test_a_wrong_master_key_changes_nothing(company: Company) -> None:
    reference = ready(company)
    before = (company.folder / "dsar-keys.db").read_bytes()
    with changed(company, base64.b64encode(bytes(range(32))).decode(), base64.b64encode(bytes(32)).decode()):
        told = refused(company, "approve", reference)
    assert "[vault] master_key" in told
    assert len(told.splitlines()) == 1
    assert (company.folder / "dsar-keys.db").read_bytes() == before
    company.ok("approve", reference, actor="bo")


@pytest.mark.sqlite_file
def test_a_database_without_tables_is_told(company: Company) -> None:
    (company.folder / "dsar.db").unlink()
    assert "dsar db upgrade" in refused(company, "queue", exit_code=3)
    company.ok("db", "upgrade")
    assert company.undone() == []


# ----------------------------------------------------------------------------------------------------- mail servers


def test_an_unreachable_mailbox_is_temporary_and_does_not_hold_up_letters(
    company: Company, smtp_sink: SmtpSink
) -> None:
    reference = ready(company)
    smtp_sink.faults.append(Fault.LATER_AT_RCPT)
    company.ok("approve", reference, actor="bo")
    assert len(smtp_sink.taken) == 1
    port = company.dovecot.account("x").port

    with changed(company, f"port = {port}", "port = 1"), later(minutes=10):
        done = company.dsar("poll")

    assert done.exit_code == 3
    assert "Mailbox 'privacy' cannot be read" in done.err
    assert len(smtp_sink.taken) == 2, "the letter left all the same"


def test_an_unreachable_mail_server_keeps_the_letter(company: Company, smtp_sink: SmtpSink) -> None:
    reference = ready(company)
    with changed(company, f"port = {smtp_sink.port}", "port = 1"):
        company.ok("approve", reference, actor="bo")
    (waiting,) = company.queue()
    assert waiting["state"] == "dispatching"
    (step,) = company.ok("work", "--json").lines
    assert (step["step"], step["last_error"]) == ("dispatch", "OutboxUnavailableError")

    with later(minutes=10):
        company.ok("poll")

    assert company.undone() == []
    assert len(smtp_sink.taken) == 2


def test_a_server_that_says_later_gets_the_letter_later(company: Company, smtp_sink: SmtpSink) -> None:
    reference = ready(company)
    smtp_sink.faults.append(Fault.LATER_AFTER_DATA)
    company.ok("approve", reference, actor="bo")
    assert len(smtp_sink.taken) == 1

    with later(minutes=10):
        company.ok("poll")

    assert company.undone() == []
    assert len(smtp_sink.taken) == 2


def test_a_letter_refused_for_good_returns_to_a_person(company: Company, smtp_sink: SmtpSink) -> None:
    """Its approval has ended; what is sent in the end was looked at again."""
    reference = ready(company)
    smtp_sink.faults.append(Fault.NEVER_AFTER_DATA)
    company.ok("approve", reference, actor="bo")
    (waiting,) = company.queue()
    assert waiting["waits_for"] == "person: approve"
    assert "you have not seen" in refused(company, "approve", reference)
    company.ok("show", reference, "--letter", actor="bo")
    company.ok("approve", reference, actor="bo")
    assert company.undone() == []


# ---------------------------------------------------------------------------------------------------------- systems


def test_a_system_that_is_down_blocks_the_answer_until_it_is_searched(company: Company) -> None:
    company.write(MARIA, REQUEST)
    with changed(company, "\nurl = sqlite:///data/webshop.db", f"\nurl = {DOWN}"):
        company.ok("poll")
        reference = company.queue()[0]["reference"]
        company.ok("verify", case_of(reference), "--method", "shop_login", actor="bo")
        for minutes in (10, 20, 60):
            with later(minutes=minutes):
                company.ok("poll")
        (waiting,) = company.queue()
        assert waiting["waits_for"] == "person: approve"
        company.ok("show", reference, "--letter", actor="bo")
        assert "system webshop is failed" in refused(company, "approve", reference)

    company.ok("decide", case_of(reference), "--search-again")
    company.ok("show", reference, "--letter", actor="bo")
    company.ok("approve", reference, actor="bo")

    assert company.undone() == []


def test_candidates_must_be_decided(company: Company) -> None:
    reference = ready(company, PETER)
    assert "1 candidate(s) are undecided" in refused(company, "approve", reference)
    assert "No candidate has number 9" in refused(company, "decide", case_of(reference), "9", "--accept", exit_code=2)
    company.ok("decide", case_of(reference), "--leave-out")
    company.ok("show", reference, "--letter", actor="bo")
    company.ok("approve", reference, actor="bo")
    answer = company.letters_to("peter.sandberg@example.se")[-1]
    files = company.files_of(answer, case_of(reference))
    assert b"webshop" not in files[f"{case_of(reference)}.json"]


def test_somebody_of_whom_nothing_is_held_is_told_so(company: Company) -> None:
    reference = ask(company, STRANGER)
    company.ok("verify", case_of(reference), "--method", "id_shown", actor="bo")
    company.ok("show", reference, "--letter", actor="bo")
    company.ok("approve", reference, actor="bo")
    assert company.undone() == []
    answer = company.letters_to("olle@example.org")[-1]
    assert not list(answer.iter_attachments())
    assert company.ok("show", case_of(reference), "--json").lines[0]["requests"][0]["outcome"] == "nothing_found"


# ------------------------------------------------------------------------------------------------------- references


@pytest.mark.parametrize(
    "command", [("show",), ("approve",), ("verify", "--method", "id_shown"), ("release", "--sent")]
)
def test_an_unknown_case_is_told(company: Company, command: tuple[str, ...]) -> None:
    assert "There is no case 'D-2026-00099'" in refused(company, *command, "D-2026-00099", exit_code=2)


def test_a_case_with_several_requests_asks_which(company: Company) -> None:
    text = "Hej!\n\nJag vill ha ett registerutdrag. Jag vill också att ni raderar alla mina uppgifter.\n\nMaria Öberg\n"
    case = case_of(ask(company, text=text))
    told = refused(company, "approve", case, exit_code=2)
    assert f"{case}/access" in told
    assert f"{case}/erase" in told


def test_something_that_is_no_right_is_told(company: Company) -> None:
    case = case_of(ask(company))
    assert "'everything' is no right" in refused(company, "approve", f"{case}/everything", exit_code=2)


# ------------------------------------------------------------------------------------------------------------ mails


def test_a_mail_that_cannot_be_read_is_kept_shown_and_taken_up_by_a_person(company: Company) -> None:
    company.dovecot.deliver(b"Subject: " + b"x" * 70_000 + b"\r\n\r\nJag vill ha ett registerutdrag\r\n", company.user)
    company.ok("poll")
    (waiting,) = company.queue()
    assert (waiting["reference"], waiting["state"]) == ("M-1", "quarantine")
    assert company.mailbox_count("INBOX") == 0
    shown = company.ok("show", "M-1").out
    assert "cannot read" in shown
    assert "Jag vill ha ett registerutdrag" in shown

    company.ok("sort", "M-1", "--right", "access")

    (case,) = company.queue()
    assert case["reference"].endswith("/access")
    assert "sorted already" in refused(company, "sort", "M-1", "--not-request", exit_code=2)
    company.ok(
        "verify", case_of(case["reference"]), "--method", "id_shown", "--contact", "olle@example.org", actor="bo"
    )
    company.ok("show", case["reference"], "--letter", actor="bo")
    company.ok("approve", case["reference"], actor="bo")
    assert len(company.letters_to("olle@example.org")) == 1


def test_an_empty_mail_and_nonsense_stop_nobody_else(company: Company) -> None:
    for raw in (b"\r\n", bytes(range(256)) * 40, b"From: a@b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x"):
        company.dovecot.append(raw, company.user)
    company.write(MARIA, REQUEST)
    company.ok("poll")
    waiting = {line["reference"]: line["waits_for"] for line in company.queue()}
    assert [what for reference, what in waiting.items() if reference.endswith("/access")] == ["person: approve"]
    assert all(waiting[reference] == "person: sort" for reference in waiting if reference.startswith("M-"))
    assert company.mailbox_count("INBOX") == 0


def test_an_unclear_mail_is_sorted_by_a_person(company: Company) -> None:
    company.write(STRANGER, "Kan ni göra det som vi pratade om?\n\nOlle Ek", subject="Igår")
    company.write(STRANGER, "Kan ni även göra det andra som vi pratade om?\n\nOlle Ek", subject="Igår igen")
    company.ok("poll")
    assert {line["waits_for"] for line in company.queue()} == {"person: sort"}
    first, second = sorted(line["reference"] for line in company.queue())
    assert "det som vi pratade om" in company.ok("show", first).out

    company.ok("sort", first, "--right", "access")
    company.ok("sort", second, "--not-request")

    (case,) = company.queue()
    assert case["reference"].endswith("/access")
    assert "Give either" in refused(company, "sort", second, exit_code=2)
    assert "There is no mail 'M-99'" in refused(company, "sort", "M-99", "--not-request", exit_code=2)


def test_a_case_in_doubt_is_sorted_by_a_person(company: Company) -> None:
    """The program opens it with its clock running and asks; what the person says goes on at once."""
    text = "Hej!\n\nJag är ombud för Olle Ek och begär ett registerutdrag för hans räkning.\n\nEva Lund, advokat\n"
    company.write("Eva Lund <eva.lund@byran.example>", text)
    company.ok("poll")
    (doubtful,) = company.queue()
    assert (doubtful["state"], doubtful["waits_for"]) == ("triage", "person: sort")

    company.ok("sort", case_of(doubtful["reference"]), "--right", "access")

    (sorted_case,) = company.queue()
    assert sorted_case["reference"] == doubtful["reference"]
    assert sorted_case["state"] == "identity"
    assert len(company.letters_to("eva.lund@byran.example")) == 1, "the acknowledgement goes out after sorting"


def test_control_characters_of_a_mail_never_reach_the_terminal(company: Company) -> None:
    """Not from the subject, the sender's name, the text or an unreadable mail (P10)."""
    nasty = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egpj.exe"
    mail = EmailMessage()
    mail["From"] = "Maria Öberg <maria.oberg@example.se>"
    mail["To"] = PRIVACY
    mail.set_content(f"{REQUEST}\n{nasty}\n{{{{ 7*7 }}}} <script>alert(1)</script>\n")
    subject = base64.b64encode(f"Hej {nasty}".encode()).decode()
    raw = f"Subject: =?utf-8?b?{subject}?=\r\n".encode() + mail.as_bytes()
    company.dovecot.deliver(raw, company.user)
    company.dovecot.deliver(b"Subject: " + nasty.encode() + b"x" * 70_000 + b"\r\n\r\nHej\r\n", company.user)
    company.ok("poll")
    for line in company.queue():
        for side in ((), ("--message",), ("--timeline",)):
            if side == ("--timeline",) and line["reference"].startswith("M-"):
                continue
            shown = company.ok("show", case_of(line["reference"]), *side).out
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown), side
    case = next(case_of(line["reference"]) for line in company.queue() if line["reference"].startswith("D-"))
    assert "{{ 7*7 }} <script>alert(1)</script>" in company.ok("show", case, "--message").out


# ---------------------------------------------------------------------------------------------------------- people


def test_a_letter_that_nobody_has_seen_is_not_approved(company: Company) -> None:
    reference = ask(company)
    assert "you have not seen" in refused(company, "approve", reference)
    assert len(company.letters_to("maria.oberg@example.se")) == 1, "the acknowledgement only"
    company.ok("show", reference, "--letter", actor="bo")
    company.ok("approve", reference, actor="bo")


def test_a_letter_of_yesterday_must_be_looked_at_again(company: Company) -> None:
    """It bears another day's date, so it is not what would be sent."""
    reference = ready(company)
    with later(days=1):
        assert "you have not seen" in refused(company, "approve", reference)
        company.ok("show", reference, "--letter", actor="bo")
        company.ok("approve", reference, actor="bo")
        assert company.undone() == []


def test_a_handler_may_not_approve(company: Company) -> None:
    reference = ready(company)
    assert "anna may not approve" in refused(company, "approve", reference, actor="anna")
    assert len(company.letters_to("maria.oberg@example.se")) == 1


def test_somebody_who_is_no_staff_may_do_nothing(company: Company) -> None:
    reference = ready(company)
    assert "mallory may not" in refused(company, "approve", reference, actor="mallory")
    assert "mallory may not" in refused(company, "show", case_of(reference), actor="mallory")


def test_a_refusal_needs_a_second_person(company: Company) -> None:
    reference = ask(company)
    assert "Art. 12(4)" in refused(company, "refuse", reference, exit_code=2)
    reasons = ("--reasons", "Samma begäran besvarades i går.", "--law", "artikel 12.5 GDPR")
    company.ok("refuse", reference, *reasons, actor="bo")
    company.ok("show", reference, "--letter", actor="bo")
    assert "second person" in refused(company, "approve", reference)
    company.settings.write_text(
        company.settings.read_text("utf-8") + "[staff.ci]\nrole = approver\nname = Ci Alm\nemail = ci@xelent.example\n",
        "utf-8",
    )
    company.ok("show", reference, "--letter", actor="ci")
    company.ok("approve", reference, actor="ci")
    assert "Samma begäran besvarades i går." in body(company.letters_to("maria.oberg@example.se")[-1])


def test_a_rejected_draft_is_made_anew(company: Company) -> None:
    reference = ready(company)
    company.ok("reject", reference, "--reason", "Fel datum", actor="bo")
    assert "you have not seen" in refused(company, "approve", reference)


def test_review_shows_all_and_approves_after_the_reference_is_typed(company: Company) -> None:
    reference = ask(company)
    case = case_of(reference)

    wrong = company.ok("review", actor="bo", stdin="a\nD-2026-99999\nq\n")
    assert "the reference does not match" in wrong.err
    assert len(company.queue()) == 1
    done = company.ok("review", case, actor="bo", stdin=f"a\n{case}\n")

    assert ">>" in done.out, "the sentence that decided is marked"
    assert "maria.oberg@example.se" in done.out
    assert "Approved." in done.out
    assert company.undone() == []
    assert company.ok("review", actor="bo").out == "Nothing waits for a person.\n"


def test_review_sorts_verifies_and_decides(company: Company) -> None:
    company.write(STRANGER, "Kan ni göra det som vi pratade om?\n\nOlle Ek", subject="Igår")
    company.write(PETER, REQUEST.replace("Maria Öberg", "Peter Sandberg"))
    company.ok("poll")

    with changed(company, "[automatic]", "[automatic]\nidentity_check = off"):
        company.ok("review", "M-1", actor="bo", stdin="o\naccess\n")
    case = next(case_of(line["reference"]) for line in company.queue() if line["waits_for"] == "person: verify")
    company.ok("review", case, actor="bo", stdin="v\nid_shown\n\n")
    other = next(case_of(line["reference"]) for line in company.queue() if line["blockers"])
    company.ok("review", other, actor="bo", stdin="c\n\nn\n")

    assert [(line["waits_for"], line["blockers"]) for line in company.queue()] == [("person: approve", [])] * 2


# ------------------------------------------------------------------------------------------------------------ audit


def test_the_audit_trail_verifies_and_tells_who_tampered_with_it(company: Company) -> None:
    reference = ready(company)
    company.ok("approve", reference, actor="bo")
    assert company.ok("audit", "verify").out.startswith(f"{len(events(company))} events sealed, 0 not yet")
    company.rows("UPDATE event SET actor = 'anna' WHERE actor = 'bo' AND name = 'approved'")
    done = company.dsar("audit", "verify")
    assert done.exit_code == 1
    assert "BROKEN" in done.out


def events(company: Company) -> list[tuple[str]]:
    return company.rows("SELECT name FROM event")


@pytest.mark.sqlite_file
def test_nothing_about_the_person_stands_in_the_files_in_the_clear(company: Company) -> None:
    """After a whole case: not in the database, its write-ahead log or the key store (P9)."""
    company.write(MARIA, REQUEST)
    company.ok("poll")
    keeper = sqlite3.connect(company.folder / "dsar.db")  # while it is open, the write-ahead log stays
    keeper.execute("SELECT 1 FROM message").fetchall()
    reference = company.queue()[0]["reference"]
    company.ok("show", reference, "--data")
    company.ok("show", reference, "--letter", actor="bo")
    company.ok("reject", reference, "--reason", "Öberg heter hon inte", actor="bo")
    company.ok("show", reference, "--letter", actor="bo")
    company.ok("approve", reference, actor="bo")
    files = sorted(path for path in company.folder.iterdir() if ".db" in path.name)
    assert {"dsar.db", "dsar.db-wal", "dsar-keys.db"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes().lower()
        for text in ("maria.oberg", "öberg", "oberg", "registerutdrag", "k20004", "1740608"):
            assert text.encode() not in content, (path.name, text)
    keeper.close()


# --------------------------------------------------------------------------------------------------------- init, check


def answers(company: Company) -> str:
    """What a new installation is asked, in this order."""
    lines = [
        "Xelent Office Sweden AB", "556402-9584", "Annebergsvägen 1B", "432 48 Varberg", PRIVACY,
        "localhost", company.user, "localhost", "privacy", PRIVACY, "mx.xelent.example",
        "anna", "Anna Berg", "anna@xelent.example", "test", "test",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def run(folder: Path, *arguments: str, stdin: str = "") -> tuple[int, str]:
    done = CliRunner(env={"DSAR_ACTOR": "anna"}).invoke(
        main, ["--settings", str(folder / "settings.ini"), *arguments], input=stdin
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_a_new_installation_in_an_empty_folder_and_its_check(company: Company, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    code, out = run(folder, "init", "--folder", str(folder), stdin=answers(company))
    assert code == 0, out
    settings = folder / "settings.ini"
    text = settings.read_text("utf-8")
    assert "test" not in re.findall(r"^password = (.*)$", text, re.MULTILINE)
    assert {path.stat().st_mode & 0o077 for path in folder.glob("*.key")} == {0}

    code, out = run(folder, "check")
    assert code == 1
    assert "fail     mailbox privacy" in out, "the test servers listen elsewhere"
    assert "fail     smtp" in out

    _point_to(settings, "mailbox.privacy", company.dovecot.account("x").port, company.dovecot.ca_file)
    ca_file = company.smtp.account().ca_file
    assert ca_file is not None
    _point_to(settings, "smtp", company.smtp.port, ca_file)
    one_user = settings.read_text("utf-8").replace("separation = on", "separation = off")
    settings.write_text(one_user, "utf-8")
    code, out = run(folder, "check")
    assert "fail" not in out
    assert code == 0
    assert "ok       letter templates" in out

    code, out = run(folder, "init", "--folder", str(folder), stdin=answers(company))
    assert code == 2
    assert "exists" in out
    assert run(folder, "queue") == (0, "Nothing waits.\n")


def _point_to(settings: Path, section: str, port: int, ca_file: Path) -> None:
    """Set port, encryption and CA in one section."""
    before, heading, after = settings.read_text("utf-8").partition(f"[{section}]\n")
    own, separator, rest = after.partition("\n[")
    for key, value in (("port", port), ("security", "tls"), ("ca_file", ca_file)):
        own = re.sub(rf"(?m)^{key} =.*$", f"{key} = {value}", own)
    settings.write_text(before + heading + own + separator + rest, "utf-8")
