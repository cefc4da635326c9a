"""A no to marketing over the whole lab: one mail, one poll, every channel stopped and read back (Art. 21(3))."""

from typing import Any

import sqlalchemy as sa
from journeys.company import body

from lab.company import LabCompany
from lab.people import OTHERS
from lab.seeds.clients import web
from lab.test_changes import DATABASES

OSKAR = OTHERS[22]
STOP = f"Hej!\n\nSluta skicka reklam till mig, tack, även per sms till {OSKAR.phone}.\n\n{OSKAR.name}\n"


def stored(name: str, statement: str) -> list[Any]:
    engine = sa.create_engine(DATABASES[name])
    with engine.connect() as connection:
        rows = [
            tuple(row) for row in connection.execute(sa.text(statement), {"email": OSKAR.email, "name": OSKAR.name})
        ]
    engine.dispose()
    return rows


def test_one_poll_stops_all_channels_of_the_lab_and_confirms_without_asking_who_it_is(company: LabCompany) -> None:
    company.write(f"{OSKAR.name} <{OSKAR.email}>", STOP)

    company.ok("poll")

    with web("MAILMAN", "/3.1", auth=("restadmin", "restpass")) as mailman:
        (member,) = mailman.post("/members/find", data={"subscriber": OSKAR.email}).json()["entries"]
        preferences = mailman.get(f"/members/{member['member_id']}/preferences").json()
        assert preferences["delivery_status"] == "by_moderator"
        assert mailman.get(f"/bans/{OSKAR.email}").status_code == 200  # the product's own list of who gets nothing
    assert stored("marknadsforing", "SELECT status FROM sms_mottagare WHERE namn = :name") == [("stopp",)]
    assert stored("marknadsforing", "SELECT sparrad FROM post_register WHERE namn = :name") == [(1,)]
    assert stored("marknadsforing", "SELECT status FROM epost_prenumerant WHERE epost = :email") == [("avregistrerad",)]
    assert stored("tryton", "SELECT active FROM marketing_email WHERE email = :email") == [(False,)]
    letters = [body(mail) for mail in company.letters_to(OSKAR.email)]
    assert "ingen mer reklam" in letters[-1]
    assert not any("legitimera" in text or "bekräfta vem" in text for text in letters)
    assert company.queue() == []
    for value in (OSKAR.email, OSKAR.phone):
        assert company.dsar("suppress", "check", value).out == "blocked\n"
