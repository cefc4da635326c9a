"""Update, erase and marketing stop: approved, applied, read back, told truthfully."""

import sqlite3
from pathlib import Path

import pytest

from .company import Company, body

pytestmark = pytest.mark.journey

UPDATE = """Hej,

jag har bytt telefonnummer. Mitt gamla nummer är 070-1740608 och mitt nya är 070-174 06 99. Kan ni ändra det hos er?

/Maria Öberg
"""

ERASE = """Hello,

please delete all personal data you hold about me.

Kind regards
John Whitfield
"""

CONSENT = """Hej!

Jag återkallar mitt samtycke till nyhetsbrevet.

Peter Sandberg
"""

STOP = """Hej!

Sluta skicka reklam till mig, tack.

Peter Sandberg
"""


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    """What a sample system holds."""
    with sqlite3.connect(database) as connection:
        return connection.execute(query).fetchall()


def places_of(database: Path, text: str) -> set[str]:
    """Every table.column of a database that holds *text* anywhere: the sweep that finds leftovers."""
    found = set()
    with sqlite3.connect(database) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            for column in columns:
                query = f'SELECT count(*) FROM {table} WHERE "{column}" LIKE ?'  # noqa: S608  # names from the schema
                if connection.execute(query, (f"%{text}%",)).fetchone()[0]:
                    found.add(f"{table}.{column}")
    return found


def test_update_is_applied_where_the_old_value_stood_and_told(company: Company) -> None:
    """The approved new value stands in every system that the plan named, and the letter says so."""
    company.write("Maria Öberg <maria.oberg@example.se>", UPDATE)
    company.ok("poll")
    (waiting,) = company.queue()
    plan = company.ok("show", waiting["reference"], "--plan").out
    assert "070-1740608" in plan
    company.ok("show", waiting["reference"], "--letter", actor="bo")
    early = company.dsar("approve", waiting["reference"], actor="bo")
    assert "L2" in early.err  # how a customer is reached changes: law of identity, not of convenience
    call = ("verify", waiting["reference"].partition("/")[0], "--method", "call_back", "--phone")
    claimed = company.dsar(*call, "070-1740699")  # the number that the mail gives
    assert (claimed.exit_code, "not on file" in claimed.err) == (1, True)
    company.ok(*call, "070-1740608")

    company.ok("approve", waiting["reference"], actor="bo")

    (mobile,) = rows(company.data / "business.db", "SELECT mobile FROM customers WHERE customer_no = 'K20004'")
    assert str(mobile[0]).replace(" ", "").replace("-", "").endswith("701740699")
    letter = company.letters_to("maria.oberg@example.se")[-1]
    text = body(letter)
    assert "ändrat" in text
    assert "1740699" not in text.replace("-", "").replace(" ", "")  # in a mail, masked
    assert company.queue() == []


def test_who_takes_a_consent_back_has_that_confirmed(company: Company) -> None:
    company.write("Peter Sandberg <peter.sandberg@example.se>", CONSENT)

    company.ok("poll")

    assert rows(company.data / "business.db", "SELECT marketing FROM customers WHERE customer_no = 'K20006'") == [(0,)]
    assert "Du har tagit tillbaka ditt samtycke" in body(company.letters_to("peter.sandberg@example.se")[-1])


def test_erase_leaves_nothing_but_the_kept_invoices(company: Company) -> None:
    """A sweep of every column finds the person in kept records only; the letter says which law keeps them, how long."""
    company.write("John Whitfield <john.whitfield@example.com>", ERASE, subject="My data")
    company.ok("poll")
    (waiting,) = company.queue()
    case = waiting["reference"]
    company.ok("show", case, "--letter", actor="bo")

    company.ok("approve", case, actor="bo")

    for database in ("business.db", "webshop.db"):
        for text in ("john.whitfield@example.com", "Whitfield", "Strandgatan 22"):
            places = places_of(company.data / database, text)
            assert all(place.split(".")[0] in {"invoices", "orders"} for place in places), (database, text, places)
    letter = company.letters_to("john.whitfield@example.com")[-1]
    text = body(letter)
    assert "Bookkeeping Act (1999:1078), chapter 7 section 2" in text
    assert "31 December 2033" in text
    assert company.queue() == []


def test_marketing_stop_needs_no_approval(company: Company) -> None:
    """A plain stop from the person's own address is done at once under the standing approval, and confirmed."""
    company.write("Peter Sandberg <peter.sandberg@example.se>", STOP)

    company.ok("poll")

    assert rows(company.data / "business.db", "SELECT marketing FROM customers WHERE customer_no = 'K20006'") == [(0,)]
    letter = company.letters_to("peter.sandberg@example.se")[-1]
    assert "reklam" in body(letter)
    assert company.queue() == []


STOP_AND_MORE = """Hej!

Sluta skicka reklam till mig. Kundregistret kunde jag väl också få bli struken ur, eller hur fungerar det?

Peter Sandberg
"""


def test_a_plain_marketing_stop_does_not_wait_for_what_only_a_person_can_tell(company: Company) -> None:
    """Art. 21(3): the stop is done and confirmed in the same poll, while the rest of the mail waits for a person."""
    company.write("Peter Sandberg <peter.sandberg@example.se>", STOP_AND_MORE)

    company.ok("poll")

    marketing = "SELECT marketing FROM customers WHERE customer_no = 'K20006'"
    assert rows(company.data / "business.db", marketing) == [(0,)]
    (letter,) = company.letters_to("peter.sandberg@example.se")
    assert "ingen mer reklam" in body(letter)
    assert "något mer svarar vi på det för sig" in body(letter)
    assert "Vill du också se eller radera" not in body(letter)
    assert [(line["reference"], line["state"]) for line in company.queue()] == [("D-2026-00001/erase", "triage")]


@pytest.mark.parametrize(("forged", "waits_for"), [(False, "person: approve"), (True, "person: sort")])
def test_a_plain_marketing_stop_of_an_unproven_sender_waits_for_a_person(
    company: Company, *, forged: bool, waits_for: str
) -> None:
    """P3(c): without approval only "for the sender's own authenticated address"."""
    company.write("Peter Sandberg <peter.sandberg@example.se>", STOP_AND_MORE, authenticated=forged, forged=forged)

    company.ok("poll")

    assert company.letters_to("peter.sandberg@example.se") == []
    waiting = {line["reference"]: line["waits_for"] for line in company.queue()}
    assert waiting == {"D-2026-00001/object": waits_for, "D-2026-00001/erase": "person: sort"}


def test_a_person_who_sorts_the_rest_does_not_have_marketing_stopped_twice(company: Company) -> None:
    company.write("Peter Sandberg <peter.sandberg@example.se>", STOP_AND_MORE)
    company.ok("poll")
    case = company.queue()[0]["reference"].partition("/")[0]

    company.ok("sort", case, "--right", "object", "--right", "erase")
    company.ok("poll")

    letters = [body(each) for each in company.letters_to("peter.sandberg@example.se")]
    assert sum("ingen mer reklam" in letter for letter in letters) == 1
    assert [line["reference"] for line in company.queue()] == ["D-2026-00001/erase"]


def test_nothing_is_promised_when_a_person_finds_no_more_than_the_stop(company: Company) -> None:
    """The stop is confirmed already; an acknowledgement would promise an answer that never comes."""
    company.write("Peter Sandberg <peter.sandberg@example.se>", STOP_AND_MORE)
    company.ok("poll")
    told = len(company.letters_to("peter.sandberg@example.se"))

    company.ok("sort", company.queue()[0]["reference"].partition("/")[0], "--right", "object")
    company.ok("poll")

    assert len(company.letters_to("peter.sandberg@example.se")) == told
    assert company.queue() == []


STOP_AND_A_HINT = """Hej!

Sluta skicka reklam till mig. Kanske kunde resten också strykas någon gång, om det går för sig.

Peter Sandberg
"""


def test_a_mail_whose_stop_is_done_still_waits_for_a_person_if_it_may_ask_for_more(company: Company) -> None:
    """Nordax: who hears a marketing stop only, and closes the case, has not answered the rest."""
    company.write("Peter Sandberg <peter.sandberg@example.se>", STOP_AND_A_HINT, subject="Mina uppgifter")
    company.ok("poll")
    assert "ingen mer reklam" in body(company.letters_to("peter.sandberg@example.se")[-1])
    mail = company.queue()[0]["reference"]

    company.ok("sort", mail, "--right", "object", "--right", "erase")

    assert [line["reference"] for line in company.queue()] == ["D-2026-00002/erase"]
    letters = [body(each) for each in company.letters_to("peter.sandberg@example.se")]
    assert sum("ingen mer reklam" in letter for letter in letters) == 1


@pytest.mark.parametrize("word", [("--right", "object"), ("--not-request",)])
def test_a_mail_whose_stop_is_done_is_filed_by_a_person_who_finds_no_more_in_it(
    company: Company, word: tuple[str, ...]
) -> None:
    """Whichever way they say it, the mail stays what it was: a request that was answered."""
    company.write("Peter Sandberg <peter.sandberg@example.se>", STOP_AND_A_HINT, subject="Mina uppgifter")
    company.ok("poll")
    mail = company.queue()[0]["reference"]
    assert "the marketing stop goes on without a person" in company.ok("triage", mail, "--why").out

    assert company.ok("sort", mail, *word).out == "Filed: what it asks for goes on already.\n"

    assert company.queue() == []
    assert company.rows("SELECT disposition FROM message") == [("request",)]


_MAILING = """
name = "mailing"
kind = "files"
label = {sv = "Postutskick", en = "Mailings by post"}
[[object]]
name = "addressee"
label = {sv = "Mottagare", en = "Addressee"}
file = "mailing.csv"
key = "nr"
activities = ["A6"]
find = [{by = "email", columns = ["mail"]}]
suppress = {column = "stop", value = "ja"}
fields = [
  {column = "nr", label = {sv = "Nummer", en = "Number"}, category = "technical", asserted_by = "company"},
  {column = "mail", label = {sv = "E-post", en = "E-mail"}, category = "contact", asserted_by = "company"},
  {column = "stop", label = {sv = "Nej", en = "No"}, category = "marketing", asserted_by = "company"},
]
"""


def test_one_poll_stops_every_channel_reads_it_back_and_confirms_without_asking_who_it_is(company: Company) -> None:
    """Newsletter, business system and mailings by post are stopped, and nobody is asked who they are (Art. 21(3))."""
    (company.data / "mailing").mkdir()
    (company.data / "mailing" / "mailing.csv").write_text(
        "nr;mail;stop\n1;maria.oberg@example.se;nej\n2;other@example.se;nej\n", "utf-8"
    )
    (company.data / "mailing.toml").write_text(_MAILING, "utf-8")
    more = "[system.mailing]\nconnector = files\ndeclaration = data/mailing.toml\nfolder = data/mailing\nchanges = on\n"
    company.settings.write_text(company.settings.read_text("utf-8") + more, "utf-8")
    company.write(
        "Maria Öberg <maria.oberg@example.se>", "Hej!\n\nSluta skicka reklam till mig, tack.\n\nMaria Öberg\n"
    )

    company.ok("poll")

    assert rows(company.data / "business.db", "SELECT marketing FROM customers WHERE customer_no = 'K20004'") == [(0,)]
    assert rows(company.data / "webshop.db", "SELECT newsletter FROM accounts WHERE account_no = 'W1004'") == [(0,)]
    assert (company.data / "mailing" / "mailing.csv").read_text("utf-8").splitlines()[1:] == [
        "1;maria.oberg@example.se;ja",
        "2;other@example.se;nej",
    ]
    letters = [body(mail) for mail in company.letters_to("maria.oberg@example.se")]
    assert "ingen mer reklam" in letters[-1]
    assert not any("legitimera" in text or "bekräfta vem" in text for text in letters)
    assert company.queue() == []
    assert company.dsar("suppress", "check", "maria.oberg@example.se").out == "blocked\n"
