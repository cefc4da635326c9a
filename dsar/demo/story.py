"""
A dozen mails -> cases, letters, changes and what is left for a person, by the use cases that the commands call.

Effects: all that the program does, in the folder of the demo and against its servers; reads the clock; tells each act
through *say*. What should happen stands in MAILS, and every difference is reported.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.utils import parseaddr
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from dsar import deadlines, monthly_statistics, poller, wiring
from dsar.casework import answering, approving, intake, searching, unlocking, verifying, views
from dsar.casework import figures as counted
from dsar.demo.servers import MailServer
from dsar.demo.telling import figures, heading, paragraph, shorten, table
from dsar.demo.world import World
from dsar.errors import NotPermittedError
from dsar.identity import CheckMethod
from dsar.lifecycle import State
from dsar.model import Identifier, IdentifierType, Right, Strength
from dsar.store.tables import CaseFile, Message, Request

HANDLER, APPROVER = "anna", "bo"

#: On file for who changes it: the number that is called before the change.
_OLD_NUMBER = Identifier(type=IdentifierType.PHONE, value="+46701740632")

#: Writes a few lines for the person who watches.
Say = Callable[[str], None]


class Mail(NamedTuple):
    """A mail of mails/ and what must become of it; a request is told as "right state" or "right outcome"."""

    file: str
    disposition: str
    polled: tuple[str, ...] = ()  #: Its requests after reading the mailbox.
    ended: tuple[str, ...] = ()  #: Its requests after the approvals.


MAILS = (
    Mail("01-access-swedish", "request", ("access review",), ("access fulfilled",)),
    Mail("02-access-english", "request", ("access review",), ("access fulfilled",)),
    Mail("03-new-number", "request", ("update review",), ("update fulfilled",)),
    Mail("04-erase", "request", ("erase review",), ("erase partly",)),
    Mail("05-stop-marketing", "request", ("object fulfilled",), ("object fulfilled",)),
    Mail("06-personnummer-on-file", "request", ("access identity",), ("access identity",)),
    Mail("07-unclear", "unclear"),
    Mail("08-two-persons", "request", ("access triage", "access triage"), ("access triage", "access triage")),
    Mail("09-forged-sender", "request", ("erase triage",), ("erase triage",)),
    Mail("10-sales-pitch", "not_request"),
    Mail("11-out-of-office", "auto_reply"),
    Mail("12-bounce", "bounce"),
)

ERASED, WAITING = "04-erase", "06-personnummer-on-file"  #: Mails whose cases are worth a closer look.

_DISPOSITIONS = {
    "unclear": "unclear",
    "not_request": "no request: filed",
    "auto_reply": "a machine: filed",
    "bounce": "a bounce: whose?",
}
_STATES = {
    State.REVIEW: "the letter waits for approval",
    State.IDENTITY: "a person makes sure who asks",
    State.TRIAGE: "a person sorts it",
}


class Changed(NamedTuple):
    """A person whose data were changed, and what the systems must say then."""

    name: str
    address: str
    records: int
    values: dict[str, str]  #: {column: value}


_CHANGED = (
    Changed("Whitfield", "john.whitfield@example.com", 0, {}),
    Changed("Hellström", "tobias.hellstrom@example.se", 3, {"mobile": "+46701740688", "phone": "+46701740688"}),
    Changed("Sandberg", "peter.sandberg@example.se", 3, {"marketing": "0"}),
)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A case with its only request and the number of its mail."""

    case: CaseFile
    request: Request
    mail: int

    @property
    def reference(self) -> str:
        return f"{self.case.reference}/{self.request.right}"

    @property
    def stand(self) -> str:
        return f"{self.request.right} {self.request.outcome or self.request.state}"


@dataclass(kw_only=True)
class Story:
    """One run."""

    world: World
    server: MailServer
    session: wiring.Session
    say: Say
    surprises: list[str] = field(default_factory=list)  #: What did not happen as it must.
    _act: int = 0

    def tell(self) -> list[str]:
        """Run all acts. Returns: what did not happen as it must; empty if all is well."""
        for act in (
            self.mails_arrive,
            self.cases_are_opened,
            self.systems_are_searched,
            self.letters_are_approved,
            self.letters_are_sent,
            self.systems_are_read_again,
            self.some_things_are_left,
            self.month_is_counted,
            self.trail_is_verified,
        ):
            act()
        with self.session.app.store.transaction() as tx:
            self._expect("steps that failed", [], [step.step for step in tx.work() if step.last_error])
        return self.surprises

    # ------------------------------------------------------------------------------------------------------- acts

    def mails_arrive(self) -> None:
        """Deliver the mails, read the mailbox, do what is due."""
        mails = [_parse(mail) for mail in MAILS]
        for sender, content in mails:
            self.server.deliver(content, sender=sender)
        stored = 0
        for name, open_inbox in self.session.inboxes.items():
            with open_inbox() as inbox:
                stored += poller.poll(self.session.app, name, inbox).stored
        self.session.run_due()
        self._expect("mails stored", len(MAILS), stored)
        opened = self._opened()
        rows = []
        for number, (expected, (_, content)) in enumerate(zip(MAILS, mails, strict=True), 1):
            mine = [each for each in opened if each.mail == number]
            disposition = self._message(number).disposition or "nothing"
            self._expect(f"{expected.file} is", expected.disposition, disposition)
            self._expect(f"{expected.file} stands at", expected.polled, tuple(each.stand for each in mine))
            understood = " and ".join(each.request.right for each in mine) or _DISPOSITIONS.get(disposition, "?")
            mail = message_from_bytes(content, policy=policy.default)
            rows.append((f"M-{number}", parseaddr(str(mail["From"]))[0], shorten(str(mail["Subject"])), understood))
        self._head(f"{len(MAILS)} mails arrive and are understood", "dsar poll")
        self.say(table(("Mail", "From", "Subject", "Understood as"), rows))

    def cases_are_opened(self) -> None:
        """Tell which cases there are and how sure we are who asks."""
        rows = [
            (
                each.reference,
                f"M-{each.mail}",
                f"{each.case.identity_level} {each.case.identity_method.replace('_', ' ')}",
                _STATES.get(State(each.request.state), f"closed: {each.request.outcome}"),
            )
            for each in self._opened()
        ]
        self._head("Each person gets a case, and the sender is checked", "dsar show CASE")
        self.say(table(("Case", "Mail", "Identity", "Now"), rows))
        self.say("")
        self.say(
            paragraph(
                "L1: the mail server vouches for the sender, and the address is on file. That is enough, except where "
                "a personal identity number is held: there a person has to see an ID (L3). The plain marketing stop "
                "(object) needs nobody: it was done at once. What bore doubt went to a person untouched."
            )
        )

    def systems_are_searched(self) -> None:
        """Tell what was found for the cases that are ready."""
        systems = tuple(self.session.app.systems)
        rows = []
        for each in self._in_review():
            with self.session.app.store.transaction() as tx:
                tx.record("looked_at_data", actor=HANDLER, at=_now(), case_id=each.case.id)
                results = tx.search_results(each.case)
            records = [record for _, record, _ in searching.numbered_records(self.session.app, each.case)]
            counts = [str(sum(record.system == name for record in records)) for name in systems]
            kept = [record for record in records if record.keep_until]
            doubtful = sum(record.strength is Strength.CANDIDATE for record in records)
            self._expect(f"{each.reference} has doubtful records", 0, doubtful)
            self._expect(f"{each.reference} was searched for in systems", len(systems), len(results))
            rows.append((each.reference, *counts, str(len(kept)) if kept else "none"))
        self._head("Every system is searched", "dsar show CASE --data")
        headings = ("Records found", *(f"in {name}" for name in systems), "Kept by law")
        self.say(table(headings, rows))
        self.say("")
        self.say(
            paragraph(
                "The business system and the web shop are databases, the office keeps a spreadsheet (CSV, "
                "windows-1252). A TOML file for each says what it holds and which law demands that it is kept; no code "
                "was written for them."
            )
        )

    def letters_are_approved(self) -> None:
        """Show each letter to Anna, let Bo approve it, and send it."""
        rows = []
        refusal = ""
        for each in self._in_review():
            if each.request.right == Right.UPDATE:
                method = CheckMethod.CALL_BACK
                verifying.verify(
                    self.session.app,
                    each.case,
                    method=method,
                    contact=None,
                    phone=_OLD_NUMBER,
                    actor=HANDLER,
                    now=_now(),
                )
            for reader in (HANDLER, APPROVER):
                letter = answering.show(self.session.app, each.case, each.request, actor=reader, now=_now())
            try:
                approving.approve(self.session.app, each.case, each.request, actor=HANDLER, now=_now())
            except NotPermittedError as error:
                refusal = str(error)
            approving.approve(self.session.app, each.case, each.request, actor=APPROVER, now=_now())
            annexes = ", ".join(Path(annex.filename).suffix[1:].upper() for annex in letter.letter.annexes) or "none"
            rows.append((each.reference, letter.letter.kind.replace("_", " "), annexes))
        self._expect("anna's approvals are refused", bool(refusal), bool(rows))
        self.session.run_due()
        self._head("Anna reads the letters, Bo approves them", "dsar approve CASE")
        self.say(table(("Case", "Letter", "Annexes"), rows))
        self.say("")
        self.say(
            paragraph(
                f"Anna alone cannot: “{refusal}” What Bo approved is bound by its hash: those bytes are sent, or none. "
                "A change is made first and read back; only then its letter leaves. Before the new phone number was "
                "approved, Anna called the old one (dsar verify): it could have been somebody else who wrote."
            )
        )

    def letters_are_sent(self) -> None:
        """Tell what the mail server took."""
        opened = self._opened()
        for number, expected in enumerate(MAILS, 1):
            mine = tuple(each.stand for each in opened if each.mail == number)
            self._expect(f"{expected.file} ends", expected.ended, mine)
        exports = [file for letter in self.server.sent for file in letter.files if file.suffix == ".pdf"]
        wanted = sum(stand == "access fulfilled" for mail in MAILS for stand in mail.ended)
        self._expect("exports as PDF", wanted, len(exports))
        rows = [
            (letter.recipient, f"{letter.files[0].name}{' and a locked PDF' if len(letter.files) > 1 else ''}")
            for letter in self.server.sent
        ]
        self._head("The letters are sent")
        self.say(table(("To", f"Written to {self.world.letters}/ as"), rows))
        self.say("")
        self.say(
            paragraph(
                "The first letter to each person is the automatic acknowledgement; it tells nothing. The forged "
                "sender, the machines and the salesman got none."
            )
        )
        self._read_pass_phrases_out()

    def _read_pass_phrases_out(self) -> None:
        """Anna has each person on the telephone."""
        rows = []
        for each in self._opened():
            if each.request.right == Right.ACCESS and each.request.state == State.CLOSED:
                told = unlocking.read_out(self.session.app, each.case, actor=HANDLER, now=_now())
                rows += [(each.case.reference, one.phrase) for one in told]
        self.say("")
        self.say(table(("Case", "What opens its PDF (dsar show CASE --passphrase)"), rows))
        self.say("")
        self.say(
            paragraph(
                "The answers are encrypted, with the data as JSON and CSV inside. A pass-phrase never goes by mail: "
                "by SMS where there is a gateway, by letter, or read out as here."
            )
        )

    def systems_are_read_again(self) -> None:
        """Look into the systems for those whose data were changed."""
        rows = []
        for name, address, records, values in _CHANGED:
            found = searching.search_outside_case(
                self.session.app,
                [Identifier(type=IdentifierType.EMAIL, value=address)],
                systems=(),
                actor=HANDLER,
                now=_now(),
            )
            stored = {(value.path, value.value) for record in found.records for value in record.values}
            self._expect(f"records of {name}", records, len(found.records))
            self._expect(f"what is stored of {name}", set(values.items()), set(values.items()) & stored)
            told = ", ".join(f"{path} = {value}" for path, value in values.items()) or "nobody is found"
            rows.append((name, str(len(found.records)), told))
        self._head("The systems are read again", "dsar search --email ADDRESS")
        self.say(table(("Person", "Records", "What the systems say now"), rows))
        self.say("")
        self.say(
            paragraph(
                "The vouchers of the erased person stay under their own numbers: bookkeeping law demands it, and the "
                "letter names that law and the day on which it ends."
            )
        )

    def some_things_are_left(self) -> None:
        """Tell what waits for a person, and why."""
        lines = views.queue(self.session.app, now=_now())
        stands = [stand for mail in MAILS for stand in mail.ended]
        waiting = sum(stand.partition(" ")[2] in set(State) for stand in stands)
        unclear = sum(mail.disposition in {"unclear", "bounce"} for mail in MAILS)  # a person looks at these
        self._expect("things in the queue", waiting + unclear, len(lines))
        rows = [(line.reference, line.waits_for, f"{line.send_by_on}", self._why(line.reference)) for line in lines]
        self._head("What is left needs a person", "dsar queue")
        self.say(table(("Reference", "Waits for", "Send by", "Because"), rows))

    def month_is_counted(self) -> None:
        """Tell the month's figures."""
        today = deadlines.received_on(_now())
        first_on, last_on = deadlines.month_of(today.year, today.month)
        result = counted.statistics(self.session.app, first_on=first_on, last_on=last_on, today=today)
        unclear = sum(mail.disposition == "unclear" for mail in MAILS)
        received = unclear + sum(len(mail.ended) for mail in MAILS)
        self._expect("requests in the statistics", received, result.total.received)
        self._head("The month in figures", "dsar stats")
        self.say(figures(monthly_statistics.as_rows(result)))
        self.say("")
        self.say(paragraph("What a person has still to sort counts as open, until it is known to be no request."))

    def trail_is_verified(self) -> None:
        """Verify the audit trail."""
        with self.session.app.store.transaction() as tx:
            tx.seal_events()
            report = tx.verify_chain()
        self._expect("the audit trail is broken at", None, report.broken_at)
        self._head("Who did what is beyond doubt", "dsar audit verify")
        self.say(
            paragraph(
                f"{report.sealed} events, each bound to the one before it by its hash; the chain is unbroken. They "
                "hold references and counts, no personal data."
            )
        )

    # ----------------------------------------------------------------------------------------------------- helpers

    def case_of(self, file: str) -> str:
        """Reference of the case that a mail of mails/ has opened."""
        number = [mail.file for mail in MAILS].index(file) + 1
        return next(each.case.reference for each in self._opened() if each.mail == number)

    def _head(self, title: str, command: str = "") -> None:
        self._act += 1
        self.say(heading(self._act, title, command))

    def _expect(self, what: str, wanted: object, found: object) -> None:
        if wanted != found:
            self.surprises.append(f"{what}: {found}, but it should be {wanted}")

    def _message(self, number: int) -> Message:
        with self.session.app.store.transaction() as tx:
            return tx.message(number) or Message(sha256="", mailbox="", received_at=_now())

    def _opened(self) -> list[Opened]:
        """Every case in the order of the mails; a mail about two persons has two, and each has one request."""
        numbers = {self._message(number).case_id for number in range(1, len(MAILS) + 1)}
        with self.session.app.store.transaction() as tx:
            numbers |= {case.id for _, case in tx.open_requests()}
            return [
                Opened(case=tx.case_by_id(number), request=request, mail=tx.case_messages(number)[0][1].id or 0)
                for number in sorted(filter(None, numbers))
                for request in tx.requests(number)
            ]

    def _in_review(self) -> Iterable[Opened]:
        return [each for each in self._opened() if each.request.state == State.REVIEW]

    def _why(self, reference: str) -> str:
        """Why something waits, in the program's own words."""
        app = self.session.app
        if reference.startswith("M-"):
            mail = intake.read(app, self._message(int(reference.removeprefix("M-"))))
            return intake.examine(app, mail).reasons[-1].removeprefix("a person decides: ")
        case = views.find_case(app, reference)
        if case.identity_reason:
            return case.identity_reason
        return views.thread(app, case, actor=HANDLER, now=_now())[0].triage.reasons[-1]


def _parse(mail: Mail) -> tuple[str, bytes]:
    """Sender of the envelope, which stands in the first line of the file, and the mail itself."""
    raw = files("dsar.demo").joinpath("mails", f"{mail.file}.eml").read_bytes()
    return_path, _, content = raw.partition(b"\n")
    return return_path.decode().partition("<")[2].rstrip(">"), content


def _now() -> datetime:
    return datetime.now(UTC)
