"""Mailing lists: who is on them, and one who only wrote to one."""

from lab.people import ANNA, ERIK, OTHERS, Person
from lab.seeds.clients import web


def run() -> None:
    with web("MAILMAN", "/3.1", auth=("restadmin", "restpass")) as mailman:

        def post(path: str, **form: str) -> None:
            mailman.post(path, data=form).raise_for_status()

        def join(list_: str, person: Person, role: str = "member") -> None:
            proven = {"pre_verified": "true", "pre_confirmed": "true", "pre_approved": "true"}
            who = {"subscriber": person.email, "display_name": person.name, "role": role}
            post("/members", list_id=f"{list_}.nyhetsbrev.example", **who, **proven)

        post("/domains", mail_host="nyhetsbrev.example")
        for list_ in ("nyheter", "service"):
            post("/lists", fqdn_listname=f"{list_}@nyhetsbrev.example")
        for each in (ERIK, ANNA, *OTHERS):
            join("nyheter", each)
        join("service", ERIK, role="nonmember")
        for each in OTHERS[:6]:
            join("service", each)
