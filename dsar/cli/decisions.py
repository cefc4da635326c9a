"""The commands by which a person decides: sort, decide, approve, reject, refuse, release, assign."""

import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from dsar.cli.console import complain, now, run_due, say, session
from dsar.errors import UsageError
from dsar.lifecycle import State
from dsar.locale import _, said
from dsar.model import Disposition, Right

if TYPE_CHECKING:
    from dsar.casework.context import App
    from dsar.wiring import Session

_RIGHT = click.Choice([right.value for right in Right])
_DATE = click.DateTime(["%Y-%m-%d"])


def tell_where(app: "App", reference: str, cases: Sequence[str]) -> None:
    """Say where a mail went that a person has sorted."""
    from dsar.casework import views

    if cases:
        say("Opened {cases}.", cases=", ".join(cases))
    elif views.find_message(app, reference).disposition == Disposition.REQUEST:
        say("Filed: what it asks for goes on already.")
    else:
        say("Filed as no request.")


@click.command()
@click.argument("reference", metavar="CASE|M-NUMBER")
@click.option("--right", "rights", type=_RIGHT, multiple=True, help="A right that the mail exercises; repeatable.")
@click.option("--not-request", is_flag=True, help="It exercises none.")
@click.option("--self", "own", is_flag=True, help="The case is about its sender, who is nobody's agent.")
@click.option("--received", type=_DATE, help="Day on which it reached the company, if a colleague had it first.")
@click.option("--why", default="", metavar="TEXT", help="What you go by; 'dsar triage M-NUMBER --why' shows it.")
@click.pass_context
def sort(
    ctx: click.Context,
    reference: str,
    *,
    rights: Sequence[str],
    not_request: bool,
    own: bool,
    received: datetime | None,
    why: str,
) -> None:
    """Say which rights an unclear mail exercises, or about whom it is."""
    loose = reference.upper().startswith("M-")
    if (rights and not_request) or not (rights or not_request or (own and not loose)):
        raise UsageError("Give either --right (once or more) or --not-request.")
    if own and loose:
        raise UsageError("--self is said of a case; sort the mail first.")
    received_on = received.date() if received else None
    from dsar.casework import sorting, views

    wanted = [Right(right) for right in rights]
    with session(ctx) as opened:
        actor = opened.actor()
        if loose:
            message = views.find_message(opened.app, reference)
            cases = sorting.sort_message(
                opened.app, message, wanted, received_on=received_on, why=why, actor=actor, now=now()
            )
            tell_where(opened.app, reference, cases)
        else:
            case = views.find_case(opened.app, reference, actor=opened.actor())
            if own:
                sorting.set_own_matter(opened.app, case, actor=actor, now=now())
            if rights or not_request:
                sorting.sort_case(opened.app, case, wanted, received_on=received_on, why=why, actor=actor, now=now())
            say("{case} is sorted.", case=case.reference)
        run_due(opened)


@click.command()
@click.argument("reference", metavar="CASE")
@click.argument("numbers", type=int, nargs=-1)
@click.option("--accept/--leave-out", "accepted", default=None, help="They are about this person, or not.")
@click.option("--search-again", is_flag=True, help="Search all systems anew, e.g. after one of them was down.")
@click.option("--search-failed", is_flag=True, help="Search those systems anew that did not answer in full.")
@click.pass_context
def decide(
    ctx: click.Context,
    reference: str,
    numbers: Sequence[int],
    *,
    accepted: bool | None,
    search_again: bool,
    search_failed: bool,
) -> None:
    """Decide which candidate records are about the person; without NUMBERS all that are undecided."""
    if [accepted is not None, search_again, search_failed].count(True) != 1:
        raise UsageError("Give one of --accept, --leave-out, --search-again and --search-failed.")
    from dsar.casework import searching, views

    with session(ctx) as opened:
        case = views.find_case(opened.app, reference, actor=opened.actor())
        if accepted is None:
            searching.search_again(opened.app, case, actor=opened.actor(), now=now(), only_failed=search_failed)
            run_due(opened)
            say("{case} was searched again.", case=case.reference)
            return
        count = searching.decide(opened.app, case, numbers, accepted=accepted, actor=opened.actor(), now=now())
        say("{count} candidate(s) accepted." if accepted else "{count} candidate(s) left out.", count=count)
        if run_due(opened) and accepted:
            say("What they lead to was searched for: 'dsar show {case} --data' shows it.", case=case.reference)


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.pass_context
def approve(ctx: click.Context, reference: str) -> None:
    """Approve the letter that you have read; it is sent as it was shown."""
    from dsar.casework import approving, views

    with session(ctx) as opened:
        case, request = views.find_request(opened.app, reference, {State.REVIEW}, actor=opened.actor())
        approved = approving.approve(opened.app, case, request, actor=opened.actor(), now=now())
        say("{case}/{right}: {kind} approved.", case=case.reference, right=request.right, kind=approved.letter.kind)
        run_due(opened)


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.option("--reason", required=True, help="What is wrong with it.")
@click.pass_context
def reject(ctx: click.Context, reference: str, reason: str) -> None:
    """Send a draft back with a reason."""
    from dsar.casework import answering, views

    with session(ctx) as opened:
        case, request = views.find_request(opened.app, reference, {State.REVIEW}, actor=opened.actor())
        answering.reject(opened.app, case, request, reason=reason, actor=opened.actor(), now=now())
        say("{case}/{right}: the draft was sent back.", case=case.reference, right=request.right)


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.option("--reasons", help="Why, specific to this case, in the language of the letter.")
@click.option("--law", "legal_ground", help="Article and section that it rests on.")
@click.option("--unidentified", is_flag=True, help="The reason is that the sender could not be identified.")
@click.option("--deceased", is_flag=True, help="The reason is that the person has died.")
@click.option("--not-request", metavar="TEXT", help="It is none after all: what it is about, and who has it now.")
@click.pass_context
def refuse(
    ctx: click.Context,
    reference: str,
    *,
    reasons: str | None,
    legal_ground: str | None,
    unidentified: bool,
    deceased: bool,
    not_request: str | None,
) -> None:
    """Prepare a refusal; a second person approves it."""
    if not (unidentified or deceased or not_request or (reasons and legal_ground)):
        raise UsageError(
            "A refusal needs --reasons and --law (Art. 12(4) GDPR), or --unidentified, --deceased or --not-request."
        )
    from dsar.casework import answering, views
    from dsar.deadlines import received_on

    states = {State.IDENTITY, State.CLARIFYING, State.SEARCHING, State.REVIEW}
    with session(ctx) as opened:
        case, request = views.find_request(opened.app, reference, states, actor=opened.actor())
        actor = opened.actor()
        if unidentified:
            answering.give_up_identity(opened.app, request, actor=actor, now=now())
        elif deceased:
            answering.answer_estate(opened.app, request, actor=actor, now=now())
        elif not_request:
            answering.pass_on(opened.app, case, request, what=not_request, actor=actor, now=now())
        else:
            answering.refuse(
                opened.app,
                case,
                request,
                reasons=reasons or "",
                legal_ground=legal_ground or "",
                actor=actor,
                now=now(),
            )
        say("{case}/{right}: the letter waits for approval.", case=case.reference, right=request.right)
        last = views.clock(opened.app, request).refuse_by_on
        if received_on(now()) > last:  # Art. 12(4): "at the latest within one month", whatever was extended
            complain("It is late: a refusal was to be told by {last} (Art. 12(4) GDPR).", last=last)


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.option("--what", required=True, help="What you did, in the language of the letter.")
@click.pass_context
def done(ctx: click.Context, reference: str, what: str) -> None:
    """State what you did by hand where the program could not; the letter says it in your words."""
    from dsar.casework import answering, views

    with session(ctx) as opened:
        case, request = views.find_request(opened.app, reference, {State.REVIEW}, actor=opened.actor())
        answering.done_by_hand(opened.app, case, request, what=what, actor=opened.actor(), now=now())
        say("{case}/{right}: the letter waits for approval.", case=case.reference, right=request.right)


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.option("--sent", "how", flag_value="sent", help="The uncertain mail left.")
@click.option("--resend", "how", flag_value="resend", help="The uncertain mail did not leave: send it again as it is.")
@click.option("--mail", type=click.IntRange(min=1), metavar="NUMBER", help="Which one, where several are uncertain.")
@click.option("--continue", "how", flag_value="continue", help="Let the blocked change go on as approved.")
@click.option("--stop", "how", flag_value="stop", help="End the blocked change; what is done is told.")
@click.option("--seen", "how", flag_value="seen", help="You have looked at the follow-ups.")
@click.option("--hold", "how", flag_value="hold", help="End the hold.")
@click.option("--reason", help="Why an erasure does not wait for the answer in another case; with --continue.")
@click.pass_context
def release(ctx: click.Context, reference: str, *, how: str | None, mail: int | None, reason: str | None) -> None:
    """Decide about what is blocked."""
    if how is None:
        raise UsageError("Say how: --sent, --resend, --continue, --stop, --seen or --hold.")
    if reason and how != "continue":
        raise UsageError("--reason belongs to --continue.")
    if mail and how not in {"sent", "resend"}:
        raise UsageError("--mail belongs to --sent and --resend.")
    more = {"reason": reason} if reason else {"mail": mail} if mail else {}
    with session(ctx) as opened:
        act = partial(_RELEASE[how], **more)
        click.echo(act(opened, reference))
        run_due(opened)


def _release_mail(opened: "Session", reference: str, *, sent: bool, mail: int | None = None) -> str:
    from dsar.casework import sending, views

    case = views.find_case(opened.app, reference, actor=opened.actor())
    sending.decide_uncertain(opened.app, case, sent=sent, mail=mail, actor=opened.actor(), now=now())
    return _("The mail is taken as sent.") if sent else _("The mail is sent again.")


def _release_change(opened: "Session", reference: str, *, go_on: bool, reason: str | None = None) -> str:
    from dsar.casework import intervening, views

    case, request = views.find_request(opened.app, reference, {State.BLOCKED}, actor=opened.actor())
    if go_on:
        intervening.go_on(opened.app, case, request, reason=reason, actor=opened.actor(), now=now())
    else:
        intervening.stop(opened.app, case, request, actor=opened.actor(), now=now())
    return _("{reference} goes on." if go_on else "{reference} is stopped.").format(
        reference=f"{case.reference}/{request.right}"
    )


def _release_seen(opened: "Session", reference: str) -> str:
    from dsar.casework import intervening, views

    case = views.find_case(opened.app, reference, actor=opened.actor())
    intervening.mark_seen(opened.app, case, actor=opened.actor(), now=now())
    return _("The follow-ups of {case} are seen.").format(case=case.reference)


def _release_hold(opened: "Session", reference: str) -> str:
    from dsar.casework import intervening, views

    case = views.find_case(opened.app, reference, actor=opened.actor())
    intervening.hold(opened.app, case, on=False, reason="", actor=opened.actor(), now=now())
    return _("{case} is free from its hold.").format(case=case.reference)


_RELEASE: dict[str, Callable[..., str]] = {
    "sent": partial(_release_mail, sent=True),
    "resend": partial(_release_mail, sent=False),
    "continue": partial(_release_change, go_on=True),
    "stop": partial(_release_change, go_on=False),
    "seen": _release_seen,
    "hold": _release_hold,
}


@click.command()
@click.argument("reference", metavar="CASE")
@click.argument("handler")
@click.pass_context
def assign(ctx: click.Context, reference: str, handler: str) -> None:
    """Give a case to a member of staff."""
    from dsar.casework import sorting, views

    with session(ctx) as opened:
        if handler not in opened.app.settings.members:
            raise UsageError(said("No member of staff is called {handler!r} in settings.", handler=handler))
        case = views.find_case(opened.app, reference, actor=opened.actor())
        sorting.assign(opened.app, case, handler=handler, actor=opened.actor(), now=now())
        say("{case} is handled by {handler}.", case=case.reference, handler=handler)


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.argument("text", metavar="TEXT|-")
@click.pass_context
def note(ctx: click.Context, reference: str, text: str) -> None:
    """Add words of your own to the letters of a request, shown as such; an empty text takes them back."""
    from dsar.casework import answering, views

    words = sys.stdin.read() if text == "-" else text
    with session(ctx) as opened:
        actor = opened.actor()
        case, request = views.find_request(opened.app, reference, set(State) - {State.CLOSED}, actor=actor)
        answering.add_note(opened.app, case, request, words, actor=actor, now=now())
        sentence = (
            "The letters of {case}/{right} say it."
            if words.strip()
            else "The letters of {case}/{right} say nothing more."
        )
        say(sentence, case=case.reference, right=request.right)
