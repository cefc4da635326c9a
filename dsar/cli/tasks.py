"""`dsar task`: what colleagues are asked, and what they answer."""

import os
from pathlib import Path

import click

from dsar.cli.console import clean, now, print_field, print_json, print_table, run_due, say, session
from dsar.errors import UsageError


@click.group()
def task() -> None:
    """What colleagues are asked, and what they answer."""


@task.command("list")
@click.argument("reference", metavar="[CASE]", required=False)
@click.option("--all", "ended", is_flag=True, help="Those that are answered, too.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per task.")
@click.pass_context
def list_(ctx: click.Context, reference: str | None, *, ended: bool, as_json: bool) -> None:
    """Show who has still to answer, oldest first."""
    from dsar.casework import tasklist, views

    with session(ctx) as opened:
        actor = opened.actor()
        case = views.find_case(opened.app, reference, actor=actor) if reference else None
        found = tasklist.lines(opened.app, case=case, ended=ended, actor=actor)
    if as_json:
        for line in found:
            print_json(line)
        return
    if not found:
        say("Nobody has anything to answer.")
        return
    print_table(
        ("Task", "Case", "System", "What", "State", "Who", "Asked", "Reminded"),
        [
            (
                line.reference,
                line.case_reference,
                line.system,
                line.kind,
                f"{line.state} ({line.why})" if line.why else line.state,
                line.owner,
                f"{line.asked_on or 'not yet'}",
                f"{line.reminders}{', told others' if line.escalated_on else ''}",
            )
            for line in found
        ],
    )


@task.command()
@click.argument("reference", metavar="TASK-...")
@click.option("--json", "as_json", is_flag=True, help="One JSON line.")
@click.pass_context
def show(ctx: click.Context, reference: str, *, as_json: bool) -> None:
    """Show one task with what it asks and what was answered."""
    from dsar.casework import protecting, tasklist

    with session(ctx) as opened:
        found, case = tasklist.find_task(opened.app, reference)
        protecting.check(opened.app.settings, case, opened.actor())
        view = tasklist.view(opened.app, found, case, actor=opened.actor(), now=now())
    if as_json:
        print_json(view)
        return
    line, question = view.line, view.question
    print_field("Task", f"{line.reference}, {line.kind}, {line.state}{f' ({line.why})' if line.why else ''}")
    print_field("Case", line.case_reference)
    print_field("System", line.system)
    print_field("Who", line.owner)
    print_field("Asked", f"{line.asked_on or 'not yet'}, reminded {line.reminders} time(s)")
    print_field("Finds", ", ".join(filter(None, [question.name, *(each.value for each in question.identifiers)])))
    for change in question.step.changes if question.step else ():
        print_field(change.label.en, f"{change.before or '-'} -> {change.after or '-'}")
    for signed, said in zip(line.answered, view.said, strict=True):
        print_field("Answered", signed)
        if said:
            click.echo(clean(said))
    for number in view.mails:
        print_field("Mail", f"M-{number}")


@task.command()
@click.argument("reference", metavar="CASE")
@click.option("--system", required=True, help="Which of the systems that people answer for.")
@click.option("--to", required=True, help="Name or address of the colleague, as settings have it.")
@click.pass_context
def add(ctx: click.Context, reference: str, *, system: str, to: str) -> None:
    """Ask a colleague who may hold something about the person of a case."""
    from dsar.casework import tasks, views

    with session(ctx) as opened:
        case = views.find_case(opened.app, reference, actor=opened.actor())
        added = tasks.add(opened.app, case, system=system, to=to, actor=opened.actor(), now=now())
        run_due(opened)
        say("{added} is asked.", added=added.reference)


@task.command()
@click.argument("reference", metavar="TASK-...")
@click.option("--nothing", "word", flag_value="nothing", help="They hold nothing about the person.")
@click.option("--text", help="What they hold, in words or as lines LABEL: VALUE.")
@click.option(
    "--file",
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="What they hold: CSV, spreadsheet, contact cards, PDF, mail; repeatable.",
)
@click.option("--done", "word", flag_value="done", help="They have made the change and looked that it is so.")
@click.option("--cannot", metavar="WHY", help="They cannot make the change.")
@click.option("--by", metavar="NAME", help="Who says so; default: who was asked.")
@click.pass_context
def answer(
    ctx: click.Context,
    reference: str,
    *,
    word: str | None,
    text: str | None,
    files: tuple[Path, ...],
    cannot: str | None,
    by: str | None,
) -> None:
    """Write down what a colleague answered in another way than by mail."""
    from dsar.casework import protecting, tasklist, tasks
    from dsar.staff import read_named_file

    held = bool(text or files)
    if sum((word is not None, held, cannot is not None)) != 1:
        raise UsageError("Say one of --nothing, --text or --file, --done, --cannot.")
    with session(ctx) as opened:
        found, case = tasklist.find_task(opened.app, reference)
        protecting.check(opened.app.settings, case, opened.actor())
        tasks.answer(
            opened.app,
            found,
            word=word or ("held" if held else "cannot"),
            text=text or cannot or "",
            files=[(path.name, read_named_file(path, os.environ)) for path in files],
            by=by,
            actor=opened.actor(),
            now=now(),
        )
        run_due(opened)
        say("{found} is answered.", found=found.reference)


@task.command()
@click.argument("reference", metavar="TASK-...")
@click.pass_context
def settle(ctx: click.Context, reference: str) -> None:
    """Say that you have dealt with an answer that came after the letter: reopened the request, or written again."""
    from dsar.casework import protecting, tasklist, tasks

    with session(ctx) as opened:
        found, case = tasklist.find_task(opened.app, reference)
        protecting.check(opened.app.settings, case, opened.actor())
        tasks.settle_late(opened.app, found, actor=opened.actor(), now=now())
        say("{found} is settled.", found=found.reference)
