"""A change plan as a form: system by system in the order in which it is done, each line with its ground."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

from dsar.cli.console import clean, say, wrap
from dsar.locale import _, language
from dsar.model import StepAction

if TYPE_CHECKING:
    from dsar.casework.context import App
    from dsar.model import PlanStep


def print_form(app: "App", reference: str, steps: Sequence["PlanStep"], *, waits: Sequence[str]) -> None:
    """Print every line with its number, which `dsar correct` takes."""
    if not steps:
        say("Nothing would be changed.")
        return
    say("Plan of {reference}, in the order in which it is done", reference=reference)
    if waits:
        say("It waits until the access answer of {cases} has left and has not come back.", cases=", ".join(waits))
    numbered = enumerate(steps, 1)
    for system, lines in groupby(numbered, key=lambda line: line[1].system):
        click.echo(f"\n{app.system_label(system).in_language(language())} ({system})")
        for number, step in lines:
            _print_line(app, number, step)
    counts = Counter(_does(step.action) for step in steps)
    click.echo()
    say("In all: {counts}.", counts=", ".join(f"{count} x {does}" for does, count in counts.items()))
    say("A line is changed with 'dsar correct {reference} NUMBER --reason ...'.", reference=reference)


def _does(action: StepAction) -> str:
    """What a step does, as a clerk says it."""
    return {
        StepAction.UPDATE: _("change"),
        StepAction.ERASE: _("erase"),
        StepAction.ANONYMISE: _("empty of the person's data"),
        StepAction.SUPPRESS: _("stop marketing"),
        StepAction.RESTRICT: _("lock: store and use for nothing else"),
        StepAction.KEEP: _("keep"),
        StepAction.TASK: _("a person does it"),
    }[action]


def _print_line(app: "App", number: int, step: "PlanStep") -> None:
    place = f"{step.object_label.in_language(language())} {clean(step.key)}"
    until = f" {_('until')} {step.until}" if step.until else ""
    _line(f"[{number}] {place}: {_does(step.action)}{until}", indent="  ")
    for name, text in _grounds(app, step):
        _line(f"{name}: {text}", indent="      ")
    for change in step.changes:
        if change.before:
            label = change.label.in_language(language())
            _line(f"{label}: {change.before} -> {change.after or '-'}", indent="      ")


def _line(text: str, *, indent: str) -> None:
    click.echo(wrap(clean(text), indent=indent, hanging="  "))


def _grounds(app: "App", step: "PlanStep") -> list[tuple[str, str]]:
    """Why it is so, and what goes with it."""
    spoken = language()
    found = [(_("Ground"), step.law.in_language(spoken))] if step.law else []
    found += [(_("Reason"), step.reason.in_language(spoken))] if step.reason else []
    if step.action in {StepAction.ERASE, StepAction.ANONYMISE}:
        declared = app.declarations[step.system].object(step.object, step.key)
        labels = [each.label for each in declared.residue] + [each.label for each in declared.residue_files]
        found += [(_("Removed with it"), label.in_language(spoken)) for label in labels]
        # Recital 26: whoever approves judges whether what stays is so rare that it still tells one person.
        if step.action is StepAction.ANONYMISE and declared.erase:
            stays = [each for each in declared.fields if each.column not in declared.erase.set]
            told = ", ".join(each.label.in_language(spoken) for each in stays)
            found += [(_("Stays, unless so rare that it tells whose it was"), told)] if told else []
    return found
