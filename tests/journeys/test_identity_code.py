"""Identity by a code: sent to the address on file only, answered from there only, telling the sender nothing."""

import json
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from servers import DovecotServer, SmtpSink

from .company import Company, body
from .quick import QuickCompany

pytestmark = [pytest.mark.journey, pytest.mark.keeps_mail]

ON_FILE = "maria.oberg@example.se"
UNKNOWN = "maria.ny@other.example"
REQUEST = """Hej!

Jag vill veta vilka personuppgifter ni har om mig. Mitt kundnummer är {number}.

Vänliga hälsningar
Maria Öberg
"""
MOVE = """Hej,

jag har bytt e-postadress. Min gamla adress är maria.oberg@example.se och min nya är maria.ny@other.example.
Kan ni ändra det hos er?

/Maria Öberg
"""


@pytest.fixture
def company(tmp_path: Path, dovecot_server: DovecotServer, smtp_sink: SmtpSink, mail_user: str) -> Company:
    """The commands run in the test's own process, where nothing else is said."""
    return QuickCompany(tmp_path, dovecot_server, smtp_sink, mail_user)


def code_of(letter: EmailMessage) -> str:
    """The code that a letter holds."""
    found = re.search(r"\b[0-9]{8}\b", body(letter))
    assert found is not None
    return found[0]


def wrong(code: str) -> str:
    """Another code."""
    return str(int(code) - 1 if int(code) % 10 else int(code) + 1)


def ask(
    company: Company,
    sender: str = UNKNOWN,
    number: str = "K20004",
    *,
    text: str = REQUEST,
    authenticated: bool = True,
    forged: bool = False,
) -> None:
    """Write from *sender* and let the program read it."""
    mail = text.format(number=number)
    company.write(f"Maria Öberg <{sender}>", mail, authenticated=authenticated, forged=forged)
    company.ok("poll")


def challenge(company: Company, text: str = REQUEST) -> EmailMessage:
    """The mail with the code that reaches the address on file when somebody unknown writes."""
    ask(company, text=text)
    (letter,) = company.letters_to(ON_FILE)
    return letter


def answer(
    company: Company,
    letter: EmailMessage,
    code: str,
    *,
    sender: str = ON_FILE,
    authenticated: bool = True,
    forged: bool = False,
) -> None:
    """Answer *letter* with *code* from *sender*; the mail lies unread in the mailbox."""
    company.write(
        sender,
        f"Koden är {code}\n",
        subject=f"Sv: {letter['Subject']}",
        authenticated=authenticated,
        forged=forged,
        in_reply_to=letter["Message-ID"],
    )


def only_line(company: Company) -> dict[str, Any]:
    """The one line of the queue."""
    (line,) = company.queue()
    return line


def searched(company: Company) -> bool:
    """Whether the systems were searched for the answer to the one case."""
    return "searched" in company.ok("show", only_line(company)["reference"], "--timeline").out


# ----------------------------------------------------------------------------------------------- when it is an attack


def test_the_victim_of_an_attack_is_warned_and_the_attacker_learns_nothing(company: Company) -> None:
    """Shown first, then sent: to the address on file, and to nobody else."""
    challenge(company)
    case = only_line(company)["reference"].partition("/")[0]
    told = len(company.letters_to(UNKNOWN))
    assert "i ditt namn" in company.ok("warn", case).out
    assert len(company.letters_to(ON_FILE)) == 1

    company.ok("warn", case, "--send")

    warning = company.letters_to(ON_FILE)[-1]
    assert "inte lämnat ut några uppgifter" in " ".join(body(warning).split())
    assert (warning["In-Reply-To"], UNKNOWN in warning.as_string()) == (None, False)
    assert len(company.letters_to(UNKNOWN)) == told
    assert "warned already" in company.dsar("warn", case).err


# ------------------------------------------------------------------------------------------------------ the way in


def test_the_answer_goes_to_the_address_on_file_that_confirmed_by_code(company: Company) -> None:
    """Unknown address and customer number: options to it, code to the address on file, and the answer there."""
    code_mail = challenge(company)
    assert only_line(company)["waits_for"] == "requester"
    assert code_mail["In-Reply-To"] is None  # it goes to somebody who may be another person

    answer(company, code_mail, code_of(code_mail))
    company.ok("poll")
    case = only_line(company)["reference"]
    company.ok("show", case, "--letter", actor="bo")
    company.ok("approve", case, actor="bo")

    to_unknown = company.letters_to(UNKNOWN)
    assert [mail["Auto-Submitted"] for mail in to_unknown] == ["auto-replied", "auto-replied"]
    assert code_of(code_mail) not in "".join(map(body, to_unknown))
    final = company.letters_to(ON_FILE)[-1]
    number = case.partition("/")[0]
    assert ON_FILE in json.dumps(json.loads(company.files_of(final, number)[f"{number}.json"]))
    assert company.undone() == []


def test_the_sender_learns_nothing_about_what_we_hold(company: Company) -> None:
    """With and without a match the same letter goes out, byte for byte but for the case reference."""
    ask(company, "one@other.example", "K20004")
    ask(company, "two@other.example", "K99999")

    with_match = company.letters_to("one@other.example")
    without = company.letters_to("two@other.example")

    def shown(letters: list[EmailMessage]) -> list[tuple[str, str, list[str]]]:
        texts = [(body(mail), body(mail, "html"), mail.keys()) for mail in letters]
        return [tuple(re.sub(r"D-2026-\d{5}", "D", str(each)) for each in text) for text in texts]  # type: ignore[misc]

    assert len(with_match) == 2  # acknowledgement, options
    assert shown(with_match) == shown(without)
    assert len(company.letters_to(ON_FILE)) == 1
    assert {line["state"] for line in company.queue()} == {"clarifying"}


def test_an_address_on_file_without_confirmation_by_the_mail_server_gets_a_code(company: Company) -> None:
    """L1 is either aligned DMARC or a code: without the first, the second."""
    ask(company, ON_FILE, authenticated=False)
    _acknowledgement, _options, code_mail = company.letters_to(ON_FILE)

    answer(company, code_mail, code_of(code_mail), authenticated=False)
    company.ok("poll")

    assert only_line(company)["waits_for"] == "person: approve"


def test_a_forged_sender_gets_no_mail_at_all(company: Company) -> None:
    """What failed DMARC goes to a person; a letter would reach somebody who never wrote."""
    ask(company, ON_FILE, forged=True)

    assert only_line(company)["waits_for"].startswith("person")
    assert company.smtp.taken == []


def test_with_identity_check_off_a_person_asks(company: Company) -> None:
    """P3: what goes out without approval can be switched off."""
    text = company.settings.read_text("utf-8")
    company.settings.write_text(text.replace("[automatic]", "[automatic]\nidentity_check = off"), "utf-8")

    ask(company)

    assert only_line(company)["waits_for"] == "person: verify"
    assert len(company.letters_to(UNKNOWN)) == 1  # the acknowledgement
    assert company.letters_to(ON_FILE) == []


def test_two_addresses_on_file_leave_the_choice_to_a_person(company: Company) -> None:
    """Who states the number of one person and the address of another gets the letter, but nobody gets a code."""
    ask(company, text=REQUEST.replace("Maria Öberg", "Maria Öberg\nE-post: john.whitfield@example.com"))

    assert only_line(company)["flags"] == ["known_person_new_address", "no_single_contact"]
    assert len(company.letters_to(UNKNOWN)) == 2
    assert company.letters_to(ON_FILE) == company.letters_to("john.whitfield@example.com") == []


# --------------------------------------------------------------------------------------------------- wrong answers


def test_three_wrong_codes_at_once_end_the_challenge(company: Company) -> None:
    """Wrong answers read by several processes at once count one by one; after three the right code is worth nothing."""
    code_mail = challenge(company)
    code = code_of(code_mail)
    for _ in range(3):
        answer(company, code_mail, wrong(code))

    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: Company.dsar(company, "poll"), range(3)))  # a process each
    company.ok("poll")
    answer(company, code_mail, code)
    company.ok("poll")

    line = only_line(company)
    assert (line["waits_for"], line["flags"]) == ("person: verify", ["known_person_new_address", "code_wrong"])
    assert not searched(company)
    assert len(company.letters_to(ON_FILE)) == 1


@pytest.mark.parametrize(("sender", "forged"), [(UNKNOWN, False), (ON_FILE, True)])
def test_the_right_code_from_elsewhere_changes_nothing(company: Company, sender: str, *, forged: bool) -> None:
    """A code counts from the address it was sent to and from nowhere else, even if somebody passed it on."""
    code_mail = challenge(company)

    answer(company, code_mail, code_of(code_mail), sender=sender, forged=forged)
    company.ok("poll")

    line = only_line(company)
    assert (line["state"], line["flags"]) == ("clarifying", ["known_person_new_address", "code_from_elsewhere"])
    assert not searched(company)
    answer(company, code_mail, code_of(code_mail))  # the person's own answer still counts
    company.ok("poll")
    assert only_line(company)["state"] == "review"


def test_an_expired_code_changes_nothing(company: Company) -> None:
    """A code is worth something for a day."""
    code_mail = challenge(company)
    company.rows("UPDATE challenge SET expires_at = created_at")

    answer(company, code_mail, code_of(code_mail))
    company.ok("poll")

    line = only_line(company)
    assert (line["state"], line["flags"]) == ("clarifying", ["known_person_new_address", "code_wrong"])
    assert not searched(company)


def test_a_hint_beside_a_code_and_a_marketing_stop_waits_for_a_person(company: Company) -> None:
    """The code counts and marketing stops; what else the mail may ask is lost with neither."""
    letter = challenge(company)
    company.write(
        ON_FILE,
        f"{code_of(letter)}\n\nHello,\n\nStop sending me marketing. Maybe something of the rest could disappear "
        "one day, too, do you think?\n",
        subject=f"Sv: {letter['Subject']}",
        in_reply_to=letter["Message-ID"],
    )

    company.ok("poll")

    assert "M-2" in {line["reference"] for line in company.queue() if line["waits_for"] == "person: sort"}


def test_a_code_counts_once(company: Company) -> None:
    """A second answer with the same code disturbs nothing and shows on the case."""
    code_mail = challenge(company)
    for _ in range(2):
        answer(company, code_mail, code_of(code_mail))
        company.ok("poll")

    line = only_line(company)
    assert (line["state"], line["flags"]) == ("review", ["known_person_new_address", "code_wrong"])


# ----------------------------------------------------------------------------------------------- change of address


def test_a_change_of_address_is_confirmed_from_the_old_one_and_told_to_it(company: Company) -> None:
    """The new address alone changes nothing; the old one confirms, and hears of the change."""
    code_mail = challenge(company, MOVE)
    answer(company, code_mail, code_of(code_mail))
    company.ok("poll")
    case = only_line(company)["reference"]
    # a code is L1; somebody who has bought something is reached elsewhere only after a call to the number on file
    company.ok(
        "verify", case.partition("/")[0], "--method", "call_back", "--phone", "070-174 06 08", "--contact", ON_FILE
    )
    company.ok("show", case, "--letter", actor="bo")
    company.ok("approve", case, actor="bo")

    with sqlite3.connect(company.data / "business.db") as database:
        (stored,) = database.execute("SELECT email FROM customers WHERE customer_no = 'K20004'").fetchall()
    assert stored == (UNKNOWN,)
    _, *told = company.letters_to(ON_FILE)
    (notice,) = [mail for mail in told if "Var det inte du" in body(mail)]
    (confirmation,) = [mail for mail in told if mail is not notice]
    assert (notice["Auto-Submitted"], confirmation["Auto-Submitted"]) == ("auto-replied", "no")
    assert not any(address in body(notice) for address in (ON_FILE, UNKNOWN))
    assert len(company.letters_to(UNKNOWN)) == 2  # acknowledgement, options
    # the log-in address of the web shop is changed by a person, as the letter says
    assert [line["waits_for"] for line in company.queue()] == ["person: duty"]


def test_the_new_address_proves_nothing_about_the_old_even_if_it_is_on_file(company: Company) -> None:
    """Somebody with an account of their own asks to take over another person's address: the old one is asked."""
    ask(company, "tobias.hellstrom@example.se", text=MOVE.replace(UNKNOWN, "tobias.hellstrom@example.se"))

    assert only_line(company)["state"] == "clarifying"
    assert len(company.letters_to(ON_FILE)) == 1
