"""`dsar duties`: what is owed after the answer."""

import click

from dsar.cli.console import now, print_json, print_table, say, session


@click.command()
@click.option("--done", type=int, metavar="NUMBER", help="Record that you have done this one.")
@click.option("--due", is_flag=True, help="Only what is due today or before.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per duty.")
@click.pass_context
def duties(ctx: click.Context, *, done: int | None, due: bool, as_json: bool) -> None:
    """
    Show what is still owed: kept data to erase later, another look after a change, and work by hand.

    What the program does on its day it does by itself (`dsar run`); a problem means that a person has to look.
    """
    from dsar import deadlines
    from dsar.casework import duties as owed

    with session(ctx) as opened:
        actor = opened.actor()
        if done is not None:
            owed.end(opened.app, done, actor=actor, now=now())
            say("Duty {done} is done.", done=done)
            return
        found = owed.open_duties(opened.app, due_by=deadlines.received_on(now()) if due else None)
    if as_json:
        for duty in found:
            print_json(duty)
        return
    if not found:
        say("Nothing is owed.")
        return
    print_table(
        ("No", "Kind", "Where", "Record", "Due", "Law", "Case", "Problem"),
        [
            (
                str(d.number),
                d.kind,
                f"{d.system}/{d.object}",
                d.key,
                d.due_on.isoformat(),
                d.law,
                d.case_reference,
                d.problem,
            )
            for d in found
        ],
    )
