"""The commands outside the straight way: withdraw, recall, reopen, hold, open, interim."""

import os
from datetime import date
from pathlib import Path

import click

from dsar.cli.console import now, run_due, say, session
from dsar.lifecycle import State
from dsar.model import Right

_CHANNELS = ("phone", "letter", "visit", "forward")
_OPEN = frozenset(State) - {State.CLOSED, State.DISPATCHING}


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.pass_context
def withdraw(ctx: click.Context, reference: str) -> None:
    """Record that the requester takes a request back."""
    from dsar.casework import intervening, views

    with session(ctx) as opened:
        case, request = views.find_request(opened.app, reference, _OPEN, actor=opened.actor())
        intervening.withdraw(opened.app, request, actor=opened.actor(), now=now())
        say("{case}/{right} is withdrawn.", case=case.reference, right=request.right)


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.pass_context
def recall(ctx: click.Context, reference: str) -> None:
    """Take an approval back before anything left or was changed."""
    from dsar.casework import intervening, views

    with session(ctx) as opened:
        states = {State.APPROVED, State.BLOCKED, State.DISPATCHING}
        case, request = views.find_request(opened.app, reference, states, actor=opened.actor())
        intervening.recall(opened.app, request, actor=opened.actor(), now=now())
        say("{case}/{right} is back in review.", case=case.reference, right=request.right)


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.option("--reason", required=True, help="Why.")
@click.pass_context
def reopen(ctx: click.Context, reference: str, reason: str) -> None:
    """Take a closed request up again."""
    from dsar.casework import intervening, views

    with session(ctx) as opened:
        case, request = views.find_request(opened.app, reference, {State.CLOSED}, actor=opened.actor())
        intervening.reopen(opened.app, case, request, reason=reason, actor=opened.actor(), now=now())
        run_due(opened)
        say("{case}/{right} is open again.", case=case.reference, right=request.right)


@click.command()
@click.argument("reference", metavar="CASE")
@click.option("--reason", required=True, help="Who demands it, e.g. IMY and its reference.")
@click.pass_context
def hold(ctx: click.Context, reference: str, reason: str) -> None:
    """Put a case under a hold: nothing about it is erased or purged."""
    from dsar.casework import intervening, views

    with session(ctx) as opened:
        case = views.find_case(opened.app, reference, actor=opened.actor())
        intervening.hold(opened.app, case, on=True, reason=reason, actor=opened.actor(), now=now())
        say("{case} is under a hold; 'dsar release {case} --hold' ends it.", case=case.reference)


@click.command("open")
@click.option(
    "--channel", type=click.Choice(["phone", "letter", "visit", "forward"]), required=True, help="How it came."
)
@click.option("--received", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Day on which it reached us.")
@click.option("--right", "rights", type=click.Choice([each.value for each in Right]), multiple=True, required=True)
@click.option("--name", help="Name of the person.")
@click.option("--email", help="Address that the answer may go to once it is proven.")
@click.option("--phone", help="Phone number that the person gave.")
@click.option("--customer-no", help="Customer number that the person gave.")
@click.option("--language", type=click.Choice(["sv", "en"]), default="sv", show_default=True)
@click.argument("files", type=click.Path(exists=True, dir_okay=False, path_type=Path), nargs=-1)
@click.pass_context
def open_case(
    ctx: click.Context,
    *,
    channel: str,
    received: date,
    rights: tuple[str, ...],
    name: str | None,
    email: str | None,
    phone: str | None,
    customer_no: str | None,
    language: str,
    files: tuple[Path, ...],
) -> None:
    """Open a case for a request that did not come by mail; FILES are what there is of it."""
    from dsar.casework import byhand
    from dsar.staff import read_named_file

    with session(ctx) as opened:
        told = byhand.Told(
            channel=channel,
            received_on=date(received.year, received.month, received.day),
            rights=tuple(Right(right) for right in rights),
            name=name,
            email=email,
            phone=phone,
            customer_no=customer_no,
            language=language,
            files=tuple((path.name, read_named_file(path, os.environ)) for path in files),
        )
        reference = byhand.open_by_hand(opened.app, told, actor=opened.actor(), now=now())
        run_due(opened)
        say("Opened {reference}.", reference=reference)


@click.command()
@click.argument("reference", metavar="CASE")
@click.option("--reason", required=True, help="Why the rest is not ready, for the timeline.")
@click.option("--send", is_flag=True, help="Send the letter that was shown.")
@click.pass_context
def interim(ctx: click.Context, reference: str, reason: str, *, send: bool) -> None:
    """Show, then send, what was found so far; the request stays open."""
    from dsar.casework import delivering, views
    from dsar.casework import interim as partial_answer
    from dsar.cli.show import print_letter

    with session(ctx) as opened:
        case, request = views.find_request(opened.app, reference, {State.SEARCHING, State.REVIEW}, actor=opened.actor())
        actor = opened.actor()
        if send:
            partial_answer.send(opened.app, case, request, reason=reason, actor=actor, now=now())
            run_due(opened)
            say("{case}: the interim answer is on its way; the request stays open.", case=case.reference)
        else:
            shown = partial_answer.show(opened.app, case, request, actor=actor, now=now())
            print_letter(shown, delivering.travels(opened.app, case, shown.letter, now=now()))
            say("\nIf it is right: 'dsar interim {case} --reason ... --send'.", case=case.reference)
