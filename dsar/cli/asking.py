"""The commands that write before there is an answer: ask, extend, warn. Shown first, then sent."""

from datetime import datetime

import click

from dsar.cli.console import now, run_due, say, session
from dsar.errors import UsageError
from dsar.lifecycle import State

_DATE = click.DateTime(["%Y-%m-%d"])
_OPEN = frozenset(State) - {State.CLOSED}


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.option("--doubt", metavar="TEXT", help="Ask who it is: why that is doubtful in this very case.")
@click.option("--mandate", is_flag=True, help="Ask by what right they write for somebody else.")
@click.option("--overview", metavar="TEXT", help="Ask what they want of a large quantity: what we process.")
@click.option("--choices", metavar="TEXT", help="With --overview: what they may choose between.")
@click.option("--question", metavar="TEXT", help="Ask anything else; the time runs on.")
@click.option("--send", is_flag=True, help="Send the letter that was shown.")
@click.pass_context
def ask(
    ctx: click.Context,
    reference: str,
    *,
    doubt: str | None,
    mandate: bool,
    overview: str | None,
    choices: str | None,
    question: str | None,
    send: bool,
) -> None:
    """
    Show, then send, a question to the requester.

    Texts are in the language of the letter. The clock stops only for who asks and for what of a large quantity is
    wanted, if the letter leaves within two working days of receipt.
    """
    from dsar.casework import asking, views
    from dsar.cli.show import print_letter

    given = {
        asking.About.IDENTITY: doubt,
        asking.About.MANDATE: mandate or None,
        asking.About.SCOPE: overview,
        asking.About.OTHER: question,
    }
    about = [each for each, value in given.items() if value is not None]
    if len(about) != 1:
        raise UsageError("Give one of --doubt, --mandate, --overview and --question.")
    query = asking.Query(about=about[0], text=doubt or question or "", overview=overview or "", choices=choices or "")
    with session(ctx) as opened:
        case, request = views.find_request(opened.app, reference, {State.IDENTITY, State.REVIEW}, actor=opened.actor())
        actor = opened.actor()
        if not send:
            print_letter(asking.show(opened.app, case, request, query, actor=actor, now=now()))
            say("\nIf it is right: the same command with --send.")
            return
        asking.send(opened.app, case, request, query, actor=actor, now=now())
        run_due(opened)
        say("{case}/{right} waits for the requester.", case=case.reference, right=request.right)


@click.command()
@click.argument("reference", metavar="CASE")
@click.option("--to", metavar="ADDRESS", help="Which of several e-mail addresses on file.")
@click.option("--send", is_flag=True, help="Send the warning that was shown.")
@click.pass_context
def warn(ctx: click.Context, reference: str, *, to: str | None, send: bool) -> None:
    """
    Show, then send, a warning to whom a doubtful request is about.

    It goes to their address on file and says that somebody asked in their name; whoever asked learns nothing of it.
    """
    from dsar.casework import views, warning
    from dsar.cli.proving import identifier
    from dsar.cli.show import print_letter

    with session(ctx) as opened:
        actor = opened.actor()
        case = views.find_case(opened.app, reference, actor=actor)
        contact = identifier(f"email={to}") if to else None
        if not send:
            print_letter(warning.show(opened.app, case, contact, actor=actor, now=now()))
            click.echo()
            say("If it is right: the same command with --send.")
            return
        warning.send(opened.app, case, contact, actor=actor, now=now())
        opened.run_due()
        say("The warning of {case} is on its way.", case=case.reference)


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.option(
    "--because",
    type=click.Choice(["complexity", "number"]),
    required=True,
    help="What Art. 12(3) allows; a lack of staff is not in it.",
)
@click.option("--reasons", required=True, help="What makes this very request so, in the language of the letter.")
@click.option("--until", type=_DATE, help="New date; default: all that the law allows.")
@click.option("--send", is_flag=True, help="Send the notice that was shown.")
@click.pass_context
def extend(
    ctx: click.Context, reference: str, *, because: str, reasons: str, until: datetime | None, send: bool
) -> None:
    """Show, then send, the notice that an answer takes longer; refused when the month is over."""
    from dsar.casework import extending, views
    from dsar.cli.show import print_letter
    from dsar.clock import ExtensionReason

    last = until.date() if until else None
    with session(ctx) as opened:
        case, request = views.find_request(opened.app, reference, _OPEN, actor=opened.actor())
        actor = opened.actor()
        if not send:
            shown = extending.show(opened.app, case, request, reasons=reasons, until=last, actor=actor, now=now())
            print_letter(shown)
            say("\nIf it is right: the same command with --send.")
            return
        extending.send(
            opened.app,
            case,
            request,
            because=ExtensionReason(because),
            reasons=reasons,
            until=last,
            actor=actor,
            now=now(),
        )
        run_due(opened)
        say(
            "{case}/{right}: the notice is on its way; the date moves when it has left.",
            case=case.reference,
            right=request.right,
        )
