"""`dsar show`: one case from every side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dsar.cli.console import (
    clean,
    now,
    print_field,
    print_json,
    print_table,
    save_private,
    say,
    session,
    wrap,
    writes_to_terminal,
)
from dsar.cli.words import IDENTIFIERS, METHODS, RIGHTS, SENDERS, reason_told
from dsar.locale import _, language, tell, tell_again

if TYPE_CHECKING:
    from dsar.casework.answering import Draft
    from dsar.casework.comparing import Side
    from dsar.casework.delivering import Travels
    from dsar.casework.views import CaseView, ThreadMail, TimelineEntry
    from dsar.clock import Clock
    from dsar.model import InboundMail, Record
    from dsar.store.tables import CaseFile
    from dsar.wiring import Session


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is to be shown, and how."""

    opened: "Session"
    reference: str
    save: Path | None = None  #: Folder to write the annexes of a letter to.
    as_json: bool = False


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]|M-NUMBER")
@click.option("--message", "side", flag_value="message", help="The mails, with what was understood from them.")
@click.option("--data", "side", flag_value="data", help="What the systems hold, and what is still uncertain.")
@click.option("--plan", "side", flag_value="plan", help="What would be changed, with before and after.")
@click.option("--letter", "side", flag_value="letter", help="The letter that would be approved.")
@click.option("--passphrase", "side", flag_value="passphrase", help="What opens the files, to be read out; audited.")
@click.option("--timeline", "side", flag_value="timeline", help="Everything that happened.")
@click.option("--clock", "side", flag_value="clock", help="The statutory dates, explained.")
@click.option("--save", type=click.Path(file_okay=False, path_type=Path), help="With --letter: write its annexes here.")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
@click.pass_context
def show(ctx: click.Context, reference: str, *, side: str | None, save: Path | None, as_json: bool) -> None:
    """Show a case: its head, or the side that an option names."""
    first = "message" if reference.upper().startswith("M-") else "head"
    with session(ctx) as opened:
        SHOW[side or first](Look(opened=opened, reference=reference, save=save, as_json=as_json))


def _head(look: Look) -> None:
    opened, reference = look.opened, look.reference
    from dsar.casework import protecting, views

    case = views.find_case(opened.app, reference, actor=opened.actor(), purged_too=True)
    view = views.head(opened.app, case, actor=opened.actor(), now=now())
    if look.as_json:
        print_json(_head_json(view))
        return
    print_field("Case", case.reference)
    print_field("Person", f"{view.name or _('unknown')} {' '.join(f'<{each}>' for each in view.addresses)}")
    print_field("Language", case.language)
    print_field("Requester", _(case.requester))
    if case.mandate:
        print_field("Mandate", f"{_(case.mandate)}, {_('the answer goes to')}: {_(case.answer_to)}")
    print_field("Answered by", _(protecting.channel_of(case)))
    print_field("Handler", case.handler or "-")
    print_field("Identity", identity_told(case))
    print_field("Flags", " ".join(case.flags) or "-")
    if case.purged_at:
        print_field("Purged", f"{case.purged_at:%Y-%m-%d}: {_('its mails, letters and findings are gone')}")
    for request in view.requests:
        print_field(
            RIGHTS[request.right],
            f"{_(request.state)}{f' ({request.blocked_reason})' if request.blocked_reason else ''}"
            f"{f', {_(request.outcome)}' if request.outcome else ''}"
            f", {_('send by')} {request.send_by_on}, {_('legal')} {request.legal_on}",
        )


def identity_told(case: "CaseFile") -> str:
    """How sure we are who asks, by what, and why."""
    method = _(METHODS.get(case.identity_method, case.identity_method))
    return f"{case.identity_level} ({method}) {tell_again(case.identity_reason)}".strip()


def _head_json(view: "CaseView") -> dict[str, object]:
    from dsar.casework.protecting import channel_of

    case = view.case
    return {
        "case": case.reference,
        "name": view.name,
        "addresses": view.addresses,
        "language": case.language,
        "requester": case.requester,
        "handler": case.handler,
        "identity": {"level": case.identity_level, "method": case.identity_method, "reason": case.identity_reason},
        "flags": case.flags,
        "mandate": case.mandate,
        "answer_to": case.answer_to,
        "channel": channel_of(case),
        "purged_at": case.purged_at,
        "requests": [
            {
                "right": request.right,
                "portability": request.portability,
                "state": request.state,
                "blocked": request.blocked_reason,
                "outcome": request.outcome,
                "received_at": request.received_at,
                "send_by": request.send_by_on,
                "legal": request.legal_on,
                "closed_at": request.closed_at,
            }
            for request in view.requests
        ],
    }


def _message(look: Look) -> None:
    opened, reference = look.opened, look.reference
    from dsar.casework import views

    if reference.upper().startswith("M-"):
        _print_caseless_mail(look)
        return
    case = views.find_case(opened.app, reference, actor=opened.actor())
    for entry in views.thread(opened.app, case, actor=opened.actor(), now=now()):
        if look.as_json:
            print_json({"role": entry.role, "received_at": entry.received_at, "triage": entry.triage})
            continue
        _print_thread_mail(entry)


def _print_caseless_mail(look: Look) -> None:
    from dsar.casework import views

    entry = views.caseless_mail(look.opened.app, look.reference, actor=look.opened.actor(), now=now())
    if isinstance(entry, bytes):
        say("The program cannot read this mail; its source:\n")
        print_mail(None, entry.decode("utf-8", "replace"), ())
    elif look.as_json:
        print_json({"role": entry.role, "received_at": entry.received_at, "triage": entry.triage})
    else:
        _print_thread_mail(entry)


def _print_thread_mail(entry: "ThreadMail") -> None:
    print_field("Mail", f"{_(entry.role)}, {_('received')} {entry.received_at:%Y-%m-%d %H:%M} UTC")
    evidence = [found.evidence for person in entry.triage.subjects for found in person.requests]
    if entry.mail is None:
        say("(the mail cannot be read)")
    else:
        sender = f"{entry.mail.sender_name} <{entry.mail.sender or _('no usable sender')}>"
        print_mail(sender, f"{entry.mail.subject}\n\n{entry.mail.text}{documents(entry.mail)}", evidence)
    print_field("Sender is", _(SENDERS[entry.triage.sender_authentication]))
    for sign in entry.triage.sender_evidence:
        print_field("Sender", tell_again(sign))
    if entry.triage.flags:
        print_field("Flags", " ".join(entry.triage.flags))
    for reason in entry.triage.reasons:
        print_field("Because", reason_told(reason))
    click.echo()


def documents(mail: "InboundMail") -> str:
    """What attached documents say; attached mails stand in the text already."""
    files = {attachment.filename for attachment in mail.attachments}
    shown = (each for each in mail.attachment_texts if each.filename in files)
    read = {True: f" ({_('read from a picture by a machine')})", False: ""}
    return "".join(
        f"\n\n-----{_('Attachment')}: {each.filename}{read[each.from_picture]}-----\n{each.text}" for each in shown
    )


def print_mail(sender: str | None, text: str, evidence: Sequence[str]) -> None:
    """A mail with the sentences that decided its triage marked."""
    if sender is not None:
        print_field("From", sender)
    shown = marked(text, evidence)
    click.echo(wrap(shown) if writes_to_terminal() else shown)


def marked(text: str, evidence: Sequence[str]) -> str:
    """The text of a mail, tamed, with the sentences that decided its triage between >> and <<."""
    shown = clean(text)
    for sentence in dict.fromkeys(filter(None, map(clean, evidence))):
        shown = shown.replace(sentence, f">>{sentence}<<")
    return shown


def _data(look: Look) -> None:
    opened, reference = look.opened, look.reference
    from dsar.casework import comparing, protecting, searching, tasklist, views
    from dsar.casework.context import subject_of

    case = views.find_case(opened.app, reference, actor=opened.actor())
    asked = tasklist.lines(opened.app, case=case, ended=True, actor=opened.actor())
    with opened.app.store.transaction() as tx:
        tx.record("looked_at_data", actor=opened.actor(), at=now(), case_id=case.id)
        systems = tx.search_results(case)
    records = [
        (number, protecting.hidden(case, [record])[0], word)
        for number, record, word in searching.numbered_records(opened.app, case)
    ]
    known = comparing.know(subject_of(opened.app, case), [record for _, record, _ in records])
    if look.as_json:
        print_json({"systems": [{"system": row.system, "outcome": row.outcome} for row in systems], "tasks": asked})
        for number, record, word in records:
            sides = comparing.sides(known, record) if record.strength == "candidate" else ()
            redact = comparing.foreign_mentions(known, record)
            print_json({"number": number, "accepted": word, "record": record, "sides": sides, "redact": redact})
        return
    print_table(("System", "Outcome", "Detail"), [(row.system, _(row.outcome), row.detail) for row in systems])
    for line in asked:
        answers = "; ".join(line.answered) or f"{_('not answered')} ({_(line.state)})"
        print_field(line.reference, f"{line.system}, {line.kind}: {answers}")
    for number, record, word in records:
        click.echo()
        click.echo(f"[{number}] {_strength(record, word)}")
        print_table(
            ("Field", "Value"),
            [(value.label.in_language(language()), value.value) for value in record.values if value.value],
        )
        if record.strength == "candidate":
            print_table(("", "The person", "This record", ""), list(map(_side, comparing.sides(known, record))))
        for mention in comparing.foreign_mentions(known, record):
            say("  about somebody else, to take out of {path}: {text}", path=mention.path, text=clean(mention.text))


def _side(side: "Side") -> tuple[str, str, str, str]:
    verdict = {None: "", True: _("same"), False: _("differs")}[side.agrees]
    return _(IDENTIFIERS[side.type]), ", ".join(side.person) or "-", ", ".join(side.record) or "-", verdict


def _strength(record: "Record", word: bool | None) -> str:  # noqa: FBT001
    place = f"{record.system}/{record.object} {clean(record.key)}"
    decided = {None: [], True: [_("accepted")], False: [_("left out")]}[word]
    return (
        f"{place}: {', '.join([_(record.strength), *decided])}, {_('found by')} {_(IDENTIFIERS[record.found_by.type])}"
    )


def _plan(look: Look) -> None:
    from dsar.cli.plan_form import print_form

    opened = look.opened
    from dsar.casework import approving, protecting, views
    from dsar.casework.facts import current_plan
    from dsar.lifecycle import State
    from dsar.model import Right

    case, request = views.find_request(opened.app, look.reference, set(State) - {State.CLOSED}, actor=opened.actor())
    with opened.app.store.transaction() as tx:
        tx.record("looked_at_plan", actor=opened.actor(), at=now(), case_id=case.id, request_id=request.id)
        shown = current_plan(opened.app, tx, case, Right(request.right))
        waits = approving.waits_for_access(opened.app, tx, case, request)
    steps = protecting.hidden_steps(case, shown)
    if look.as_json:
        for step in steps:
            print_json(step)
        return
    print_form(opened.app, f"{case.reference}/{request.right}", steps, waits=waits)


def _letter(look: Look) -> None:
    opened, reference = look.opened, look.reference
    from dsar.casework import answering, delivering, views
    from dsar.lifecycle import State

    case, request = views.find_request(opened.app, reference, {State.REVIEW}, actor=opened.actor())
    current = answering.show(opened.app, case, request, actor=opened.actor(), now=now())
    travels = delivering.travels(opened.app, case, current.letter, now=now())
    if look.as_json:
        print_json(
            {
                "kind": current.letter.kind,
                "recipient": current.recipient,
                "subject": current.letter.subject,
                "mails": travels.mails,
                "passphrase_by": travels.phrase_by,
                "text": current.letter.text,
                "annexes": [annex.filename for annex in current.letter.annexes],
            }
        )
    else:
        print_letter(current, travels)
    if look.save is not None:
        for annex in current.letter.annexes:
            save_private(look.save, annex.filename, annex.content)


def print_letter(current: "Draft", travels: "Travels | None" = None, *, wrapped: bool | None = None) -> None:
    """
    A draft as it would be sent.

    Args: travels: how; None for a letter without files; wrapped: as of print_field.
    """
    print_field("To", current.recipient)
    print_field("Subject", current.letter.subject, wrapped=wrapped)
    if travels and travels.phrase_by:
        print_field("Encrypted", _("the pass-phrase goes by {way}").format(way=_(travels.phrase_by)))
    if travels and travels.mails != 1:
        sentence = "{count}, it is too big for one" if travels.mails else "none: too big for mail"
        print_field("Mails", _(sentence).format(count=travels.mails))
    print_field("Annexes", ", ".join(annex.filename for annex in current.letter.annexes) or _("none"), wrapped=wrapped)
    text = clean(current.letter.text)
    click.echo()
    click.echo(wrap(text) if wrapped or (wrapped is None and writes_to_terminal()) else text)


def _passphrase(look: Look) -> None:
    opened = look.opened
    from dsar.casework import unlocking, views

    case = views.find_case(opened.app, look.reference, actor=opened.actor())
    told = unlocking.read_out(opened.app, case, actor=opened.actor(), now=now())
    for each in told:
        if look.as_json:
            print_json({"pass_phrase": each.phrase, "sent_at": each.sent_at})
        else:
            print_field("Answer of", f"{each.sent_at:%Y-%m-%d}" if each.sent_at else _("not sent yet"))
            print_field("Pass-phrase", each.phrase)
    if not look.as_json:
        say("Read it out only to the person, on a number that is on file; never write it in a mail.")


def _timeline(look: Look) -> None:
    opened, reference = look.opened, look.reference
    from dsar.casework import views

    case = views.find_case(opened.app, reference, actor=opened.actor(), purged_too=True)
    entries = views.timeline(opened.app, case, actor=opened.actor(), now=now())
    if look.as_json:
        for entry in entries:
            print_json(_entry_json(entry))
        return
    print_table(
        ("When (UTC)", "Who", "What", "From", "To", "Reason"),
        [
            (
                f"{event.at:%Y-%m-%d %H:%M:%S}",
                event.actor,
                event.name,
                event.from_state or "",
                event.to_state or "",
                entry.reason or "",
            )
            for entry in entries
            for event in [entry.event]
        ],
    )


def _entry_json(entry: "TimelineEntry") -> dict[str, object]:
    event = entry.event
    return {
        "at": event.at,
        "actor": event.actor,
        "event": event.name,
        "from": event.from_state,
        "to": event.to_state,
        "detail": event.detail,
        "reason": entry.reason,
    }


def _clock(look: Look) -> None:
    opened, reference = look.opened, look.reference
    from dsar.casework import views
    from dsar.deadlines import received_on
    from dsar.lifecycle import State

    case, request = views.find_request(opened.app, reference, set(State), actor=opened.actor())
    clock = views.clock(opened.app, request)
    until = received_on(request.closed_at or now())
    gross, net = clock.gross_days(until), clock.net_days(until)
    if look.as_json:
        print_json(clock_json(clock) | {"gross_days": gross, "net_days": net})
        return
    print_field("Request", f"{case.reference}/{request.right}")
    print_field("Received", f"{clock.dates.received_on}")
    print_field("Nominal", " ".join([str(clock.nominal_on), *([_("(extended)")] if clock.extended else [])]))
    print_field("Send by", f"{clock.send_by_on}")
    print_field("Legal", f"{clock.legal_on}")
    print_field("Refuse by", f"{clock.refuse_by_on}")
    sentence = "{gross} since receipt, {net} of them counted; {paused} paused"
    print_field("Days", _(sentence).format(gross=gross, net=net, paused=clock.paused_days))
    for sentence in clock.explanation:
        click.echo(wrap(f"- {tell(sentence)}", hanging="  ") if writes_to_terminal() else f"- {tell(sentence)}")


def clock_json(clock: "Clock") -> dict[str, object]:
    """A clock as `--json` prints it."""
    dates = clock.dates
    return {
        "received": dates.received_on,
        "nominal": clock.nominal_on,
        "legal": clock.legal_on,
        "send_by": clock.send_by_on,
        "refuse_by": clock.refuse_by_on,
        "ext_nominal": dates.extended_nominal_on,
        "ext_legal": dates.extended_legal_on,
        "ext_send_by": dates.extended_send_by_on,
        "extended": clock.extended,
        "paused_days": clock.paused_days,
        "explanation": clock.explanation,
    }


#: Name of a side -> what prints it.
SHOW: dict[str, Callable[[Look], None]] = {
    "head": _head,
    "message": _message,
    "data": _data,
    "plan": _plan,
    "letter": _letter,
    "passphrase": _passphrase,
    "timeline": _timeline,
    "clock": _clock,
}
