"""
One thing that waits -> one screen with all that a person needs to decide it, in 80 columns and line by line.

A terminal over SSH, a screen reader and a pipe get the same lines. What a requester wrote is tamed before it is printed
(promise P10). Every look at personal data is recorded by the use cases that are called.

Effects: reads the database, and records there who has looked; prints.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from dsar.casework import (
    answering,
    approving,
    attaching,
    comparing,
    delivering,
    protecting,
    redacting,
    searching,
    views,
)
from dsar.casework.context import subject_of
from dsar.casework.facts import current_plan
from dsar.cli import show
from dsar.cli.console import clean, now, paint, print_field, print_heading, say, sign_of, width, wrap, written_day
from dsar.cli.plan_form import print_form
from dsar.cli.queue import DUE_WITHIN
from dsar.cli.words import FLAGS, IDENTIFIERS, RIGHTS, SENDERS, reason_told
from dsar.errors import DsarError, RefusedError, StaleStateError, UsageError
from dsar.lifecycle import State
from dsar.locale import _, language, ngettext, said, tell, tell_again
from dsar.model import Right, Strength, Text

if TYPE_CHECKING:
    from dsar.casework.views import QueueLine, ThreadMail
    from dsar.model import Record
    from dsar.store.tables import CaseFile, Request
    from dsar.wiring import Session

_field = partial(print_field, wrapped=True)

_WHOLE = frozenset({"found", "nothing"})


@dataclass(frozen=True, kw_only=True)
class Look:
    """One entry of the queue that is looked at."""

    opened: "Session"
    line: "QueueLine"

    @property
    def case(self) -> "CaseFile":
        """The case, as it is now. Raises: NotPermittedError; UnknownCaseError."""
        return views.find_case(self.opened.app, self.line.reference, actor=self.opened.actor())

    def request(self, *states: State) -> tuple["CaseFile", "Request"]:
        """The case and the request, which must be in one of *states*. Raises: as find_request()."""
        return views.find_request(self.opened.app, self.line.reference, states, actor=self.opened.actor())


def print_screen(look: Look, *, number: int, count: int) -> None:
    """
    Everything about one entry.

    Raises: NotPermittedError for a restricted case that somebody else opens.
    """
    _print_top(look.line, number, count)
    for part in PARTS.get(look.line.waits_for, ()):
        part(look)


def attempt(action: Callable[[], object]) -> bool:
    """Whether *action* was done; a rule that stands against it is told, and the walk goes on."""
    try:
        action()
    except (RefusedError, StaleStateError, UsageError) as error:
        click.echo(f"{_('Not done')}: {tell_error(error)}", err=True)
        return False
    return True


def tell_error(error: DsarError) -> str:
    """The sentence of an error in the reader's language."""
    return clean(tell(error.args[0]) if error.args else str(error))


def _print_top(line: "QueueLine", number: int, count: int) -> None:
    sign, colour = sign_of(line.days_left, DUE_WITHIN)
    right = line.reference.partition("/")[2]
    place = said("{number} of {count}", number=number, count=count)
    head = f"== {tell(place)} == {line.reference} {_(RIGHTS[right]) if right in RIGHTS else ''}".rstrip() + " "
    click.echo()
    click.echo(paint(clean(head).ljust(width(), "="), None, bold=True))
    _field("Waits for", _(line.waits_for))
    left = ngettext("{count} day left", "{count} days left", line.days_left)
    _field("Send by", f"{sign} {written_day(line.send_by_on)}, {left}".strip(), colour=colour)
    _field("Legal limit", written_day(line.legal_on))
    _field("Handler", line.handler or "-")
    for flag in line.flags:
        _field("Flag", f"{flag}: {_(FLAGS[flag])}" if flag in FLAGS else flag)
    for blocker in line.blockers:
        _field("Blocked by", tell(blocker))


def _item(text: str, *, indent: str = "", colour: str | None = None) -> None:
    """One entry of a list."""
    click.echo(paint(wrap(clean(text.rstrip()), indent=indent, hanging="    "), colour))


# ------------------------------------------------------------------------------------------------ who, and the mail


def _who(look: Look) -> None:
    case = look.case
    view = views.head(look.opened.app, case, actor=look.opened.actor(), now=now())
    print_heading("Person")
    _field("Name", view.name or _("unknown"))
    for address in view.addresses:
        _field("Address", address)
    _field("Requester", _(case.requester))
    _field("Identity", show.identity_told(case))
    others = [each for each in view.requests if not look.line.reference.endswith(f"/{each.right}")]
    for each in others:
        _field("Also asked", f"{_(RIGHTS[each.right])}: {_(each.state)}{f', {each.outcome}' if each.outcome else ''}")


def _thread(look: Look) -> None:
    for entry in views.thread(look.opened.app, look.case, actor=look.opened.actor(), now=now()):
        _print_mail(entry)


def _mail(look: Look) -> None:
    """A case's mails, or the one mail of an entry without a case."""
    if not look.line.reference.startswith("M-"):
        _who(look)
        _thread(look)
        return
    entry = views.caseless_mail(look.opened.app, look.line.reference, actor=look.opened.actor(), now=now())
    if isinstance(entry, bytes):
        print_heading("Mail that the program cannot read; its source")
        click.echo(wrap(clean(entry.decode("utf-8", "replace"))))
    else:
        _print_mail(entry)


def _print_mail(entry: "ThreadMail") -> None:
    print_heading("Mail")
    _field("Received", f"{entry.received_at:%Y-%m-%d %H:%M} UTC, {_(entry.role)}")
    if entry.mail is None:
        say("(the mail cannot be read)")
    else:
        _field("From", f"{entry.mail.sender_name} <{entry.mail.sender or _('no usable sender')}>")
        _field("Subject", entry.mail.subject)
        evidence = [found.evidence for person in entry.triage.subjects for found in person.requests]
        text = show.marked(f"{entry.mail.text}{show.documents(entry.mail)}", evidence)
        click.echo()
        click.echo(_coloured(wrap(text, indent="  ")))
        click.echo()
    _field("Sender is", _(SENDERS[entry.triage.sender_authentication]))
    for sign in entry.triage.sender_evidence:
        _field("Sender", tell_again(sign))
    for reason in entry.triage.reasons:
        _field("Because", reason_told(reason))


def _coloured(text: str) -> str:
    """Evidence in bold, from its >> to its <<, which say the same without."""
    pieces = text.split(">>")
    return pieces[0] + "".join(
        paint(f">>{marked}<<", None, bold=True) + rest if found else f">>{marked}"
        for marked, found, rest in (piece.partition("<<") for piece in pieces[1:])
    )


def print_outcome(look: Look) -> None:
    """What became of an entry that waits for nobody here any more, and what is still to do in its case."""
    reference, _slash, right = look.line.reference.partition("/")
    if not right:
        return
    _case, request = look.request(*State)
    state, outcome = _(request.state), _(request.outcome or "")
    say("{reference} is now: {state}", reference=look.line.reference, state=", ".join(filter(None, [state, outcome])))
    for line in views.queue(look.opened.app, now=now()):
        if line.reference == reference:
            for blocker in line.blockers:
                say("Still to do: {what}", what=tell(blocker).replace("CASE", reference))


# ------------------------------------------------------------------------------------------------- what is held


def _coverage(look: Look) -> None:
    case = look.case
    with look.opened.app.store.transaction() as tx:
        tx.record("looked_at_data", actor=look.opened.actor(), at=now(), case_id=case.id)
        rows = tx.search_results(case)
    print_heading("Systems that were searched")
    if not rows:
        say("None: nothing was searched for.")
    for row in rows:
        sign = "ok" if row.outcome in _WHOLE else "!!"
        _item(f"{sign} {row.system}: {_(row.outcome)} {row.detail}")


def _records(look: Look) -> None:
    case = look.case
    numbered = [
        (number, protecting.hidden(case, [record])[0], word)
        for number, record, word in searching.numbered_records(look.opened.app, case)
    ]
    if not numbered:
        return
    print_heading("Records")
    known = comparing.know(subject_of(look.opened.app, case), [record for _number, record, _word in numbered])
    for number, record, word in numbered:
        _print_record(number, record, word=word)
        if record.strength is Strength.CANDIDATE:
            _print_sides(comparing.sides(known, record))
    say("Key i shows every value.")


def _print_record(number: int, record: "Record", *, word: bool | None) -> None:
    decided = {None: _(record.strength.value), True: _("accepted"), False: _("left out")}[word]
    undecided = record.strength is Strength.CANDIDATE and word is None
    found_by = f"{_('found by')} {_(IDENTIFIERS[record.found_by.type])}"
    text = f"[{number}] {record.system}/{record.object} {record.key}: {decided}, {found_by}"
    _item(f"{'?? ' if undecided else ''}{text}", colour="yellow" if undecided else None)


def _print_sides(sides: Sequence[comparing.Side]) -> None:
    for side in sides:
        verdict = {None: "", True: _("same"), False: _("differs")}[side.agrees]
        here, there = ", ".join(side.person) or "-", ", ".join(side.record) or "-"
        text = f"{_(IDENTIFIERS[side.type])}: {_('the person')} {here}; {_('this record')} {there} {verdict}"
        _item(text, indent="      ")


def _passages(look: Look) -> None:
    listed = redacting.passages(look.opened.app, look.case)
    if not listed:
        return
    print_heading("Passages about other people")
    for each in listed:
        word = {None: f"?? {_('undecided')}", True: _("removed"), False: _("kept")}[each.removed]
        place = f"{each.passage.system}/{each.passage.object}"
        _item(f"[{each.number}] {word}, {place}: {each.context}")


def _documents(look: Look) -> None:
    case = look.case
    with look.opened.app.store.transaction() as tx:
        listed = attaching.listed(look.opened.app, tx, case)
    if not listed:
        return
    print_heading("Documents")
    for each in listed:
        sign = "?? " if each.is_open else ""
        what = f"{each.record.system}: {in_language(each.document.label)}, {each.document.name}"
        _item(f"[{each.number}] {sign}{what}")
    say("'dsar document {case}' decides about them.", case=case.reference)


# -------------------------------------------------------------------------------------------- the plan and the letter


def _plan(look: Look) -> None:
    case, request = look.request(*State)
    right = Right(request.right)
    if right is Right.ACCESS:
        return
    app = look.opened.app
    with app.store.transaction() as tx:
        tx.record("looked_at_plan", actor=look.opened.actor(), at=now(), case_id=case.id, request_id=request.id)
        steps = current_plan(app, tx, case, right)
        waits = approving.waits_for_access(app, tx, case, request)
    print_heading("Plan")
    print_form(app, f"{case.reference}/{request.right}", protecting.hidden_steps(case, steps), waits=waits)


def in_language(text: Text) -> str:
    """A text that exists in both languages, in the reader's."""
    return text.in_language(language())


def _letter(look: Look) -> None:
    attempt(partial(_print_letter, look))


def _print_letter(look: Look) -> None:
    case, request = look.request(State.REVIEW)
    current = answering.show(look.opened.app, case, request, actor=look.opened.actor(), now=now())
    print_heading("Letter")
    show.print_letter(current, delivering.travels(look.opened.app, case, current.letter, now=now()), wrapped=True)


def _block(look: Look) -> None:
    case, request = look.request(State.BLOCKED)
    print_heading("What is blocked")
    say("{case}/{right} waits: {why}.", case=case.reference, right=request.right, why=request.blocked_reason)
    _plan(look)


def _elsewhere(look: Look) -> None:
    """What is not decided on this screen: the command that does it."""
    command = _ELSEWHERE.get(look.line.waits_for)
    if command:
        say("What to do: {command}", command=command.format(reference=look.line.reference))


#: Who is waited for -> the command that shows or decides it, where no key of the screen does.
_ELSEWHERE = {
    "person: task": "dsar task show {reference}",
    "person: post": "dsar post {reference}",
    "person: duty": "dsar duties",
    "person: mail failed": "dsar show {reference} --timeline; dsar release {reference} --seen",
}

#: Who is waited for -> the parts of the screen, in the order in which a person decides.
PARTS: dict[str, tuple[Callable[[Look], None], ...]] = {
    "person: sort": (_mail,),
    "person: verify": (_mail, _coverage),
    "person: approve": (_mail, _coverage, _records, _passages, _documents, _plan, _letter),
    "person: release": (_mail, _block),
    **dict.fromkeys(_ELSEWHERE, (_elsewhere,)),
}
