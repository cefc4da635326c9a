"""`dsar review`: walk through what waits for a person, one decision per screen."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from dsar.cli import show
from dsar.cli.console import clean, now, print_field, session
from dsar.cli.proving import phone_number
from dsar.errors import RefusedError, StaleStateError, UsageError
from dsar.lifecycle import State
from dsar.model import Right

if TYPE_CHECKING:
    from dsar.casework.views import QueueLine
    from dsar.wiring import Session

_PERSONS = ("person: sort", "person: verify", "person: approve", "person: release")


@click.command()
@click.argument("reference", metavar="[CASE]", required=False)
@click.pass_context
def review(ctx: click.Context, reference: str | None) -> None:
    """Walk through what waits for a person, most urgent first: look, then decide."""
    from dsar.casework import views

    with session(ctx) as opened:
        wanted = reference.upper() if reference else ""
        lines = [
            line
            for line in views.queue(opened.app, now=now())
            if line.waits_for in _PERSONS and (not wanted or line.reference.upper().split("/")[0] == wanted)
        ]
        if not lines:
            click.echo("Nothing waits for a person.")
        for number, line in enumerate(lines, 1):
            _print_heading(line, number, len(lines))
            if not _ask(opened, line):
                break
        opened.run_due()


def _print_heading(line: "QueueLine", number: int, count: int) -> None:
    click.echo(f"\n{'=' * 78}")
    print_field(f"{number} of {count}", line.reference)
    print_field("Waits for", line.waits_for)
    print_field("Send by", f"{line.send_by_on} ({line.days_left} days left), legal {line.legal_on}")
    print_field("Flags", " ".join(line.flags) or "-")
    for blocker in line.blockers:
        print_field("Blocked by", blocker)
    click.echo("-" * 78)


def _ask(opened: "Session", line: "QueueLine") -> bool:
    """Show one entry and carry out what the person chooses; False to stop."""
    keys, choices = _CHOICES[line.waits_for]
    case = show.Look(opened=opened, reference=line.reference.split("/")[0])
    if not _try(lambda: show.SHOW["message"](case)):
        return True  # a restricted case, which somebody else opens
    if line.waits_for == "person: approve":
        show.SHOW["data"](case)
        _show_passages(opened, case.reference)
        if not line.reference.endswith(f"/{Right.ACCESS}"):
            _try(lambda: show.SHOW["plan"](show.Look(opened=opened, reference=line.reference)))
        _try(lambda: show.SHOW["letter"](show.Look(opened=opened, reference=line.reference)))
    while True:
        key = click.prompt(f"{keys}, [s]kip, [q]uit", default="s").strip().lower()[:1]
        if key in {"s", "q"}:
            return key == "s"
        if key in choices and _try(lambda chosen=key: choices[chosen](opened, line.reference)):  # type: ignore[misc]
            return True


def _try(action: Callable[[], object]) -> bool:
    """Whether *action* was done; a rule that stands against it is told, and the walk goes on."""
    try:
        action()
    except (RefusedError, StaleStateError, UsageError) as error:
        click.echo(f"Not done: {error}", err=True)
        return False
    return True


def _confirm(reference: str) -> None:
    """Nothing irreversible without a typed reference."""
    typed = click.prompt(f"Type {reference} to confirm")
    if typed.strip().upper() != reference.upper():
        raise UsageError("the reference does not match")


def _approve(opened: "Session", reference: str) -> None:
    from dsar.casework import approving, views

    case, request = views.find_request(opened.app, reference, {State.REVIEW}, actor=opened.actor())
    _confirm(case.reference)
    approving.approve(opened.app, case, request, actor=opened.actor(), now=now())
    click.echo("Approved.")


def _reject(opened: "Session", reference: str) -> None:
    from dsar.casework import answering, views

    case, request = views.find_request(opened.app, reference, {State.REVIEW}, actor=opened.actor())
    reason = click.prompt("What is wrong with it")
    answering.reject(opened.app, case, request, reason=reason, actor=opened.actor(), now=now())


def _decide(opened: "Session", reference: str) -> None:
    from dsar.casework import searching, views

    case = views.find_case(opened.app, reference, actor=opened.actor())
    text = click.prompt("Numbers of the candidates (empty: all)", default="", show_default=False)
    numbers = [int(word) for word in text.replace(",", " ").split() if word.isdecimal()]
    accepted = click.confirm("Are they about this person", default=False)
    searching.decide(opened.app, case, numbers, accepted=accepted, actor=opened.actor(), now=now())
    opened.run_due()


def _show_passages(opened: "Session", reference: str) -> None:
    """What may be about other people, if anything."""
    from dsar.casework import redacting, views
    from dsar.cli.redact import print_passages

    if listed := redacting.passages(opened.app, views.find_case(opened.app, reference)):
        click.echo("\nPassages about other people:")
        print_passages(listed)


def _redact(opened: "Session", reference: str) -> None:
    """One passage after the other, each with its own answer."""
    from dsar.casework import redacting, views

    case = views.find_case(opened.app, reference)
    for each in redacting.passages(opened.app, case):
        if each.removed is None:
            click.echo(clean(f"{each.passage.kind} in {each.passage.system}/{each.passage.object}: {each.context}"))
            removed = click.prompt("[r]emove or [k]eep", type=click.Choice(["r", "k"]), show_choices=False) == "r"
            redacting.decide(opened.app, case, [each.number], removed=removed, actor=opened.actor(), now=now())
    click.echo(f"Decided. The letter is made anew: 'dsar review {case.reference}' shows it.")


def _sort(opened: "Session", reference: str) -> None:
    from dsar.casework import sorting, views

    text = click.prompt(f"Rights ({', '.join(Right)}; none: no request)", default="", show_default=False)
    words = text.replace(",", " ").lower().split()
    if unknown := [word for word in words if word not in set(Right)]:
        raise UsageError(f"there is no right {unknown[0]!r}")
    rights = [Right(word) for word in words]
    if reference.startswith("M-"):
        message = views.find_message(opened.app, reference)
        sorting.sort_message(opened.app, message, rights, actor=opened.actor(), now=now())
    else:
        sorting.sort_case(
            opened.app,
            views.find_case(opened.app, reference, actor=opened.actor()),
            rights,
            actor=opened.actor(),
            now=now(),
        )


def _verify(opened: "Session", reference: str) -> None:
    from dsar.casework import verifying, views
    from dsar.identity import CheckMethod

    methods = [CheckMethod.CALL_BACK, CheckMethod.SHOP_LOGIN, CheckMethod.ID_SHOWN]
    method = click.prompt("How did you make sure", type=click.Choice([each.value for each in methods]))
    phone = click.prompt("Number that you called, on file for the person") if method == CheckMethod.CALL_BACK else None
    contact = click.prompt("Proven e-mail address (empty: the sender's)", default="", show_default=False)
    case = views.find_case(opened.app, reference, actor=opened.actor())
    verifying.verify(
        opened.app,
        case,
        method=CheckMethod(method),
        contact=contact or None,
        phone=phone_number(phone) if phone else None,
        actor=opened.actor(),
        now=now(),
    )


def _release(opened: "Session", reference: str) -> None:
    """Ask what the reason of the block wants to know."""
    from dsar.casework import intervening, sending, views

    case, request = views.find_request(opened.app, reference, {State.BLOCKED}, actor=opened.actor())
    actor = opened.actor()
    if request.blocked_reason == sending.UNCERTAIN:
        sent = click.confirm("Did the mail leave", default=True)
        sending.decide_uncertain(opened.app, case, sent=sent, actor=actor, now=now())
        return
    click.echo(f"The change waits: {request.blocked_reason}.")
    go_on = click.confirm("Let it go on as approved (no: stop it, and tell what is done)", default=False)
    _confirm(case.reference)
    act = intervening.go_on if go_on else intervening.stop
    act(opened.app, case, request, actor=actor, now=now())


_Action = Callable[["Session", str], None]

#: Who is waited for -> the keys that are offered, and what each does.
_CHOICES: dict[str, tuple[str, dict[str, _Action]]] = {
    "person: approve": (
        "[a]pprove, [r]eject, decide [c]andidates, other [p]eople",
        {"a": _approve, "r": _reject, "c": _decide, "p": _redact},
    ),
    "person: sort": ("s[o]rt", {"o": _sort}),
    "person: verify": ("[v]erify", {"v": _verify}),
    "person: release": ("[r]elease", {"r": _release}),
}
