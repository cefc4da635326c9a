"""`dsar correct`: a person changes a line of a plan."""

from datetime import datetime
from typing import TYPE_CHECKING

import click

from dsar.cli.console import now, say, session
from dsar.errors import UsageError
from dsar.locale import said

if TYPE_CHECKING:
    from dsar.casework.context import App, LineWord
    from dsar.store.tables import CaseFile, Request


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--keep", "choice", flag_value="keep", help="Keep it: needs --law and --until.")
@click.option("--erase", "choice", flag_value="erase", help="Erase it: the law of the declaration does not keep it.")
@click.option("--task", "choice", flag_value="task", help="A person does it.")
@click.option("--again", "choice", flag_value="again", help="Try again what the system has refused.")
@click.option("--harmless", "choice", flag_value="harmless", help="What stays of the emptied record tells nobody.")
@click.option("--undo", "choice", flag_value="undo", help="Take your word, or somebody else's, back.")
@click.option("--law", help="Law and section, or the claim or agreement with its reference.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day on which it is kept.")
@click.option("--reason", help="Why; told to the person in the language of the letter.")
@click.pass_context
def correct(
    ctx: click.Context,
    reference: str,
    number: int,
    *,
    choice: str | None,
    law: str | None,
    until: datetime | None,
    reason: str | None,
) -> None:
    """Change line NUMBER of `dsar show CASE --plan`, with a reason; the letter is made anew."""
    from dsar.casework import views
    from dsar.casework.context import LineChoice, LineWord
    from dsar.lifecycle import State

    if choice is None:
        raise UsageError(said("Say how: --keep, --erase, --task, --again, --harmless or --undo."))
    if choice != "undo" and not (reason and reason.strip()):
        raise UsageError(said("A line is changed with a --reason."))
    if (choice == "keep") != bool(law and until):
        raise UsageError(said("--keep needs --law and --until, which nothing else takes."))
    word = None
    if choice != "undo":
        last_day = until.date() if until else None
        word = LineWord(choice=LineChoice(choice), reason=(reason or "").strip(), law=law or "", until=last_day)
    with session(ctx) as opened:
        actor = opened.actor()
        case, request = views.find_request(opened.app, reference, {State.REVIEW}, actor=actor)
        correct_line(opened.app, case, request, number, word, actor=actor)
        say(
            "Line {number} of {case}/{right} is changed; look at plan and letter again.",
            number=number,
            case=case.reference,
            right=request.right,
        )


def correct_line(
    app: "App", case: "CaseFile", request: "Request", number: int, word: "LineWord | None", *, actor: str
) -> None:
    """Keep a person's word on a line of the plan as it is shown; None takes it back. Raises: UsageError."""
    from dsar.casework import correcting
    from dsar.casework.facts import current_plan
    from dsar.model import Right

    with app.store.transaction() as tx:
        steps = current_plan(app, tx, case, Right(request.right))
    if not 1 <= number <= len(steps):
        plan = f"{case.reference}/{request.right}"
        raise UsageError(said("The plan of {plan} has {count} lines.", plan=plan, count=len(steps)))
    correcting.correct(app, case, request, steps[number - 1], word, actor=actor, now=now())
