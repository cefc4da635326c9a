"""A change plan as a form: system by system in the order in which it is done, each line with its ground."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

from dsar.cli.console import clean, print_table
from dsar.model import StepAction

if TYPE_CHECKING:
    from dsar.casework.context import App
    from dsar.model import PlanStep

#: What a step does, as a clerk says it.
_WORDS = {
    StepAction.UPDATE: "change",
    StepAction.ERASE: "erase",
    StepAction.ANONYMISE: "empty of the person's data",
    StepAction.SUPPRESS: "stop marketing",
    StepAction.RESTRICT: "lock: store and use for nothing else",
    StepAction.KEEP: "keep",
    StepAction.TASK: "a person does it",
}


def print_form(app: "App", reference: str, steps: Sequence["PlanStep"], *, waits: bool) -> None:
    """Print every line with its number, which `dsar correct` takes."""
    if not steps:
        click.echo("Nothing would be changed.")
        return
    click.echo(f"Plan of {reference}, in the order in which it is done")
    if waits:
        click.echo("It waits until the access answer has left and has not come back.")
    numbered = enumerate(steps, 1)
    for system, lines in groupby(numbered, key=lambda line: line[1].system):
        click.echo(f"\n{app.system_label(system).en} ({system})")
        for number, step in lines:
            _print_line(app, number, step)
    counts = Counter(step.action for step in steps)
    click.echo("\nIn all: " + ", ".join(f"{count} x {_WORDS[action]}" for action, count in counts.items()) + ".")
    click.echo(f"A line is changed with 'dsar correct {reference} NUMBER --reason ...'.")


def _print_line(app: "App", number: int, step: "PlanStep") -> None:
    until = f" until {step.until}" if step.until else ""
    click.echo(f"  [{number}] {step.object_label.en} {clean(step.key)}: {_WORDS[step.action]}{until}")
    for name, text in _grounds(app, step):
        click.echo(f"      {name}: {clean(text)}")
    changes = [(change.label.en, change.before, change.after or "-") for change in step.changes if change.before]
    if changes:
        print_table(("      Field", "Before", "After"), [(f"      {label}", *rest) for label, *rest in changes])


def _grounds(app: "App", step: "PlanStep") -> list[tuple[str, str]]:
    """Why it is so, and what goes with it."""
    found = [("Ground", step.law.en)] if step.law else []
    found += [("Reason", step.reason.en)] if step.reason else []
    if step.action in {StepAction.ERASE, StepAction.ANONYMISE}:
        declared = app.declarations[step.system].object(step.object, step.key)
        found += [("Removed with it", residue.label.en) for residue in declared.residue]
    return found
