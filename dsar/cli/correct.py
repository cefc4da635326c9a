"""`dsar correct`: a person changes a line of a plan."""

from datetime import datetime

import click

from dsar.cli.console import now, say, session
from dsar.errors import UsageError
from dsar.locale import said


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--keep", "choice", flag_value="keep", help="Keep it: needs --law and --until.")
@click.option("--erase", "choice", flag_value="erase", help="Erase it: the law of the declaration does not keep it.")
@click.option("--task", "choice", flag_value="task", help="A person does it.")
@click.option("--again", "choice", flag_value="again", help="Try again what the system has refused.")
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
    from dsar.casework import correcting, views
    from dsar.casework.context import LineChoice, LineWord
    from dsar.casework.facts import current_plan
    from dsar.lifecycle import State
    from dsar.model import Right

    if choice is None:
        raise UsageError(said("Say how: --keep, --erase, --task, --again or --undo."))
    if choice != "undo" and not (reason and reason.strip()):
        raise UsageError(said("A line is changed with a --reason."))
    if (choice == "keep") != bool(law and until):
        raise UsageError(said("--keep needs --law and --until, which nothing else takes."))
    with session(ctx) as opened:
        actor = opened.actor()
        case, request = views.find_request(opened.app, reference, {State.REVIEW}, actor=actor)
        with opened.app.store.transaction() as tx:
            steps = current_plan(opened.app, tx, case, Right(request.right))
        if number > len(steps):
            raise UsageError(
                said(
                    "The plan of {case}/{right} has {count} lines.",
                    case=case.reference,
                    right=request.right,
                    count=len(steps),
                )
            )
        word = None
        if choice != "undo":
            last_day = until.date() if until else None
            word = LineWord(choice=LineChoice(choice), reason=(reason or "").strip(), law=law or "", until=last_day)
        correcting.correct(opened.app, case, request, steps[number - 1], word, actor=actor, now=now())
        say(
            "Line {number} of {case}/{right} is changed; look at plan and letter again.",
            number=number,
            case=case.reference,
            right=request.right,
        )
