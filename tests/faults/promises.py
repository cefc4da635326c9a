"""
The promises, stated about what an independent reader sees once everything works again and nothing is due.

Each function answers with the sentences of what is broken.
"""

import calendar
import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from . import reader
from .people import ASKED, Person
from .place import TOLD, Place

_STOCKHOLM: Final = ZoneInfo("Europe/Stockholm")

#: Bookkeeping of what cannot be known of a mail in each state: how often the mail server may have taken it.
_TAKEN: Final = {
    "sent": {1},
    "uncertain": {0, 1},
    "sending": {0, 1},
    "failed": {0},
    "recalled": {0},
    "held": {0},
    "ready": {0},
    "to_post": {0},
}


@dataclass
class Seen:
    """Everything, read once."""

    place: Place
    anchors: list[tuple[int, str]] = field(default_factory=list)  #: (number of seals, digest) as they were earlier.

    def __post_init__(self) -> None:
        self.mails = reader.mails(self.place.dovecot, self.place.user)
        self.taken = reader.ids(self.place.smtp.taken)
        self.outbox = self.table("outbox")
        self.requests = self.table("request")
        self.messages = {row["sha256"]: row for row in self.table("message")}
        self.events = self.table("event", order="id")

    def table(self, name: str, *, order: str = "1") -> list[dict[str, Any]]:
        return reader.rows(self.place.folder, self.place.databases.url, f'SELECT * FROM "{name}" ORDER BY {order}')  # noqa: S608  # names are ours

    def purged(self) -> list[dict[str, Any]]:
        """The events that tell of mails whose time was up."""
        for event in self.events:
            if isinstance(event["detail"], str):
                event["detail"] = json.loads(event["detail"])
        return [event for event in self.events if event["name"] == "purged" and event["detail"]["what"] == "noise"]

    def person_of(self, message_id: str) -> Person | None:
        return next((person for person in self.place.people if person.message_id == message_id), None)

    def person_of_case(self) -> dict[int, Person]:
        """{id of the case: who wrote}, by the bytes of the mails."""
        by_bytes = {mail.sha256: self.person_of(mail.message_id) for mail in self.mails}
        by_id = {row["id"]: by_bytes.get(sha256) for sha256, row in self.messages.items()}
        found = {row["case_id"]: by_id.get(row["message_id"]) for row in self.table("case_message")}
        return {case: person for case, person in found.items() if person}


def no_mail_is_lost(seen: Seen) -> Iterator[str]:
    """P1: each mail lies in the mailbox once, is stored once, was moved, and ended in a case or before a person."""
    writers = [person for person in seen.place.people if person.wish != "silent"]
    lying = Counter((mail.folder, mail.message_id) for mail in seen.mails if mail.folder != "Sent")
    joined = {row["message_id"] for row in seen.table("case_message")}
    purged = seen.purged()
    yield from _too_early(seen, purged)
    gone = [person for person in writers if person.wish == "noise" and not lying["DSAR-Done", person.message_id]]
    if len(gone) > len(purged):
        yield f"{len(gone)} mails are gone from the mailbox, and {len(purged)} were purged"
    for person in writers:
        where = {folder: count for (folder, id_), count in lying.items() if id_ == person.message_id}
        if where != {"DSAR-Done": 1} and (where or person.wish != "noise" or not purged):
            yield f"the mail of {person.number} lies in {where}"
    for mail in seen.mails:
        if mail.folder == "Sent" or seen.person_of(mail.message_id) is None:
            continue
        row = seen.messages.get(mail.sha256)
        if row is None:
            yield f"the mail {mail.message_id} is not stored"
        elif row["status"] == "new":
            yield f"the mail {mail.message_id} was never sorted"
        elif row["status"] == "sorted" and row["disposition"] == "request" and row["id"] not in joined:
            yield f"the mail {mail.message_id} belongs to no case"
    cases = Counter(row["message_id"] for row in seen.table("case_message"))
    yield from (f"message {id_} opened {count} cases" for id_, count in cases.items() if count > 1)
    references = Counter(row["reference"] for row in seen.table("case_file"))
    yield from (f"{count} cases are called {name}" for name, count in references.items() if count > 1)


#: Days for which a mail that was no request is kept.
_NOISE: Final = timedelta(days=30)


def _too_early(seen: Seen, purged: list[dict[str, Any]]) -> Iterator[str]:
    """What was purged although its time was not up, or by a clock that nobody believed."""
    by_id = {f"M-{row['id']}": row for row in seen.messages.values()}
    for event in purged:
        row = by_id[event["detail"]["of"]]
        if event["at"] < max(row["received_at"], row["stored_at"]) + _NOISE:
            yield f"{event['detail']['of']} came at {row['received_at']}, and was purged at {event['at']}"
        if event["at"] > seen.place.furthest_on + timedelta(hours=1):
            yield f"{event['detail']['of']} was purged by a clock that had leapt to {event['at']}"


def nothing_is_sent_twice(seen: Seen) -> Iterator[str]:
    """P2: what counts as sent was taken once, what may have left at most once, all else never; one of each kind."""
    for row in seen.outbox:
        count = seen.taken[row["message_id"]]
        if count not in _TAKEN[row["state"]]:
            yield f"outbox {row['id']} ({row['kind']}) is {row['state']}, and was taken {count} times"
    kinds = Counter((row["case_id"], row["kind"]) for row in seen.outbox if row["kind"] == "acknowledgement")
    yield from (f"case {case} was acknowledged {count} times" for (case, _), count in kinds.items() if count > 1)
    letters = Counter(
        (request["request_id"])
        for row in seen.outbox
        if row["state"] in {"sent", "uncertain"} and row["letter_id"]
        for request in seen.table("letter_request")
        if request["letter_id"] == row["letter_id"]
    )
    yield from (f"request {id_} was answered {count} times" for id_, count in letters.items() if count > 1)
    texts = Counter((text["to"], text["message"]) for text in seen.place.gateway.taken)
    yield from (f"a text message was sent {count} times" for count in texts.values() if count > 1)
    filed = Counter(mail.message_id for mail in seen.mails if mail.folder == "Sent")
    yield from (f"{count} copies of {id_} are filed" for id_, count in filed.items() if count > 1)


def nothing_happens_without_approval(seen: Seen) -> Iterator[str]:
    """P3: what left is what was approved, byte for byte; systems changed for nobody whose change nobody approved."""
    approvals = {row["letter_id"]: row for row in seen.table("approval")}
    contents = {id_: mail for mail in seen.place.smtp.taken for id_ in reader.ids([mail])}
    for row in seen.outbox:
        mail = contents.get(row["message_id"])
        if mail is None:
            continue
        if hashlib.sha256(mail.content).hexdigest() != row["mime_sha256"]:
            yield f"outbox {row['id']} left with other bytes than were stored"
        if row["letter_id"] and row["letter_id"] not in approvals and row["kind"] != "objection_done":
            yield f"outbox {row['id']} ({row['kind']}) left, and nobody had approved it"
    ours = {row["message_id"] for row in seen.outbox}
    staff = {"anna@xelent.example", "bo@xelent.example", "gdpr@xelent.example", *TOLD}
    for id_, mail in contents.items():
        if id_ not in ours and not set(mail.recipients) <= staff:
            yield f"a mail went to {len(mail.recipients)} others, and stands nowhere"
    for person in seen.place.people:
        held = _held(seen.place, person)
        if person.wish not in {"erase", "both", "update", "stop"} and held != _whole(person):
            yield f"{person.number} ({person.wish}) was changed: {held}"


def what_was_approved_was_done(seen: Seen) -> Iterator[str]:
    """P5, P7: a closed request did in every system what its letter says, and nothing is half done."""
    closed = {row["id"] for row in seen.requests if row["state"] == "closed"}
    people = seen.person_of_case()
    for row in seen.requests:
        person = people.get(row["case_id"])
        if person is None or row["outcome"] not in {"fulfilled", "partly"}:
            continue
        held = _held(seen.place, person)
        wanted = _WANTED.get((row["right"], person.wish))
        if wanted and not wanted(person, held):
            yield f"{row['right']} of {person.number} is closed as {row['outcome']}, and the systems hold {held}"
    plans = {row["id"]: row["request_id"] for row in seen.table("change_plan")}
    for entry in seen.table("ledger"):
        if entry["state"] == "started" and plans[entry["plan_id"]] in closed:
            yield f"step {entry['position']} of plan {entry['plan_id']} counts as begun for ever"
    outcomes = {(row["case_id"], row["run"], row["system"]): row for row in seen.table("system_result")}
    letters = {row["id"] for row in seen.table("letter") if row["status"] == "sent" and row["kind"] == "access_answer"}
    answered = {row["request_id"] for row in seen.table("letter_request") if row["letter_id"] in letters}
    runs = {row["id"]: row["search_run"] for row in seen.table("case_file")}
    for request in seen.requests:
        if request["id"] in answered:
            for (case, run, system), outcome in outcomes.items():
                if (case, run) == (request["case_id"], runs[case]) and outcome["outcome"] not in {"found", "nothing"}:
                    yield f"request {request['id']} was answered although {system} was {outcome['outcome']}"


def the_trail_is_whole(seen: Seen) -> Iterator[str]:
    """P8: every event is chained to all before it, the trail grew only, and the law's clock began with the mail."""
    seals = seen.table("seal", order="position")
    by_id = {event["id"]: event for event in seen.events}
    gone = [seal["event_id"] for seal in seals if seal["event_id"] not in by_id]
    yield from (f"event {id_} is gone" for id_ in gone)
    if not gone and reader.chain([by_id[seal["event_id"]] for seal in seals]) != [seal["digest"] for seal in seals]:
        yield "the chain does not fit the events"
    if [seal["position"] for seal in seals] != list(range(1, len(seals) + 1)):
        yield "the chain has gaps"
    if len(seals) != len(seen.events):
        yield f"{len(seen.events) - len(seals)} events are not sealed"
    for number, digest in seen.anchors:
        if len(seals) < number or seals[number - 1]["digest"] != digest:
            yield f"the chain no longer goes through its seal {number}"
    yield from _clocks(seen)


#: A mail that comes while a poll is under way counts from its beginning.
_POLL: Final = timedelta(minutes=1)


def _clocks(seen: Seen) -> Iterator[str]:
    arrived = {mail.sha256: mail.arrived for mail in seen.mails if mail.folder != "Sent"}
    by_id = {row["id"]: arrived.get(sha256) for sha256, row in seen.messages.items()}
    people = seen.person_of_case()
    asked = {row["id"] for row in seen.requests if (who := people.get(row["case_id"])) and who.wish in ASKED}
    for row in seen.requests:
        begun = by_id.get(row["message_id"])
        if begun is None:
            continue
        # a clock that stood behind shows the mail before it came: then the earlier of the two counts
        if not begun - seen.place.furthest_back - _POLL <= row["received_at"] <= begun:
            yield f"the clock of request {row['id']} began at {row['received_at']}, the mail arrived at {begun}"
        month = _a_month_after(row["received_at"].astimezone(_STOCKHOLM).date())
        legal = row["legal_on"] if isinstance(row["legal_on"], date) else date.fromisoformat(row["legal_on"])
        # a period ends later only where it would end on a free day: Reg. 1182/71 art. 3(4)
        last = month + timedelta(days=5 + row["paused_days"])
        if not month <= legal <= last or (row["paused_days"] and row["id"] not in asked):
            yield f"request {row['id']} is due on {legal}, a month after its receipt is {month}"


def _a_month_after(day: date) -> date:
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def it_went_on(seen: Seen) -> Iterator[str]:
    """P11: what should be done is done, or a person is asked."""
    works = seen.table("work")
    late = [row for row in works if row["worker"] or row["step"] == "sort"]
    yield from (f"step {row['step']} of {row['subject_id']} stands still ({row['last_error']})" for row in late)
    comes = {(work["step"], work["subject_id"]) for work in works}  # their day will come
    people = seen.person_of_case()
    waiting = {row["case_id"] for row in seen.outbox if row["state"] in {"failed", "uncertain"}}
    for row in seen.requests:
        person = people.get(row["case_id"])
        if person is None or "left" in person.wish or row["case_id"] in waiting:
            continue
        if {("conclude", row["id"]), ("release_erasure", row["id"])} & comes:
            continue
        if row["state"] not in {"closed", "review", "triage", "identity"}:
            yield f"request {row['id']} ({row['right']}) of {person.number} stands in {row['state']}"
    served = Counter(row["state"] for row in seen.requests)
    if seen.requests and not served["closed"]:
        yield f"nothing was brought to its end: {dict(served)}"


# ---------------------------------------------------------------------------------------------------- the systems


def _held(place: Place, person: Person) -> dict[str, Any]:
    """What the systems hold of a person, read by their number."""
    with closing(sqlite3.connect(place.data / "business.db")) as business:
        query = "SELECT email, mobile, marketing FROM customers WHERE customer_no = ?"
        row = business.execute(query, (person.number,)).fetchone()
        bills = business.execute("SELECT count(*) FROM invoices WHERE customer_no = ?", (person.number,)).fetchone()[0]
    visits = (place.data / "visits" / "visits.csv").read_text("utf-8")
    buyer = place.shop.rows.get(person.number)
    return {
        "business": tuple(row) if row else None,
        "bills": bills,
        "visits": person.visit in visits,
        "shop": (buyer["mail"], buyer["phone"], str(buyer["offers"])) if buyer else None,
    }


def _whole(person: Person) -> dict[str, Any]:
    return {
        "business": (person.filed, person.phone, 1),
        "bills": int(person.kept),
        "visits": True,
        "shop": (person.filed, person.phone, "1"),
    }


def _erased(person: Person, held: dict[str, Any]) -> bool:
    named = {person.email, person.phone} & set(held["business"] or ())
    return not named and not held["visits"] and held["shop"] is None and held["bills"] == int(person.kept)


def _updated(person: Person, held: dict[str, Any]) -> bool:
    phones = {_digits(held["business"][1]), _digits(held["shop"][1])}
    return phones == {_digits(person.other)} and held["visits"]


def _digits(phone: str) -> str:
    return "".join(sign for sign in phone if sign.isdigit()).removeprefix("46").removeprefix("0")


def _stopped(_person: Person, held: dict[str, Any]) -> bool:
    return bool(held["business"][2] == 0 and held["shop"][2] == "0" and held["visits"])


def _untouched(person: Person, held: dict[str, Any]) -> bool:
    return held == _whole(person)


#: (right, wish) -> whether the systems hold what should be left.
_WANTED: Final[dict[tuple[str, str], Callable[[Person, dict[str, Any]], bool]]] = {
    ("erase", "erase"): _erased,
    ("erase", "both"): _erased,
    ("update", "update"): _updated,
    ("object", "stop"): _stopped,
    ("access", "access"): _untouched,
    ("access", "extract"): _untouched,
}

#: Promise -> what checks it.
PROMISES: Final[dict[str, Callable[[Seen], Iterator[str]]]] = {
    "P1": no_mail_is_lost,
    "P2": nothing_is_sent_twice,
    "P3": nothing_happens_without_approval,
    "P5": what_was_approved_was_done,
    "P8": the_trail_is_whole,
    "P11": it_went_on,
}


def broken(place: Place, anchors: list[tuple[int, str]]) -> list[str]:
    """Everything that is broken, each with its promise in front."""
    seen = Seen(place, anchors)
    return [f"{name}: {words}" for name, check in PROMISES.items() for words in check(seen)]
