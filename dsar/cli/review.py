"""`dsar review`: walk through what waits for a person, one decision per screen."""

from typing import TYPE_CHECKING

import click

from dsar.cli.console import now, paint, print_heading, run_due, say, session
from dsar.locale import _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dsar.casework.views import QueueLine
    from dsar.cli.keystrokes import Key
    from dsar.cli.screen import Look
    from dsar.wiring import Session

#: Keys that every screen has: skip, quit, show again.
_SKIP, _QUIT, _AGAIN = "s", "q", "?"


@click.command()
@click.argument("reference", metavar="[CASE]", required=False)
@click.pass_context
def review(ctx: click.Context, reference: str | None) -> None:
    """Walk through what waits for a person, most urgent first: look, then decide."""
    from dsar.cli.screen import Look

    wanted = reference.upper() if reference else ""
    seen: set[str] = set()
    with session(ctx) as opened:
        while waiting := [line for line in _waiting(opened, wanted) if line.reference not in seen]:
            line = waiting[0]
            number, count = len(seen) + 1, len(seen) + len(waiting)
            seen.add(line.reference)
            if not _walk(Look(opened=opened, line=line), wanted, number=number, count=count):
                return
        if seen:
            say("Nothing more waits for a person.")
            return
        say("Nothing waits for a person.")
        if wanted:
            say("'dsar show {case}' tells how it stands.", case=wanted)


def _waiting(opened: "Session", wanted: str) -> "list[QueueLine]":
    """What waits for a person and can be shown, most urgent first."""
    from dsar.casework import views
    from dsar.cli.screen import PARTS

    return [
        line
        for line in views.queue(opened.app, now=now())
        if line.waits_for in PARTS
        and (not wanted or line.reference.upper().partition("/")[0] == wanted.partition("/")[0])
    ]


def _walk(look: "Look", wanted: str, *, number: int, count: int) -> bool:
    """Show one entry, and again after each decision, until it waits no more; False to stop."""
    from dsar.cli.keystrokes import keys_of
    from dsar.cli.screen import Look, attempt, print_outcome, print_screen

    while True:
        shown = look
        if not attempt(lambda: print_screen(shown, number=number, count=count)):  # noqa: B023  # called at once
            return True  # a restricted case, which somebody else opens
        chosen = _decide(look, keys_of(look))
        if chosen in {_SKIP, _QUIT}:
            return chosen == _SKIP
        run_due(look.opened)
        still = [line for line in _waiting(look.opened, wanted) if line.reference == look.line.reference]
        if not still:
            print_outcome(look)
            return True
        look = Look(opened=look.opened, line=still[0])


def _decide(look: "Look", keys: "Mapping[str, Key]") -> str:
    """Ask for keys and do what they do, until one calls for another screen: its name."""
    from dsar.cli.screen import attempt

    _print_keys(look, keys)
    while True:
        chosen = _key([*keys, _SKIP, _QUIT, _AGAIN])
        if chosen not in keys:
            return chosen
        key = keys[chosen]
        try:
            done = attempt(lambda: key.act(look))  # noqa: B023  # called at once
        except click.Abort:  # Ctrl-C, or the pipe is at its end
            say("\nNot done.")
            done = False
        if done and key.then != "keys":
            return chosen if key.then == "screen" else _SKIP


def _print_keys(look: "Look", keys: "Mapping[str, Key]") -> None:
    from dsar.approval import Role

    print_heading("What do you decide?")
    if "a" in keys and not look.opened.app.settings.roles(look.opened.actor()) - {Role.HANDLER}:
        say("You are a handler: prepare it; an approver approves it.")
    for name, key in keys.items():
        click.echo(f"  {paint(name, None, bold=True)}  {_(key.does)}")
    for name, does in ((_SKIP, _("skip, leave it as it is")), (_QUIT, _("quit")), (_AGAIN, _("show the screen again"))):
        click.echo(f"  {paint(name, None, bold=True)}  {does}")


def _key(names: list[str]) -> str:
    """One of *names*; the end of a pipe, and Ctrl-C, quit."""
    while True:
        try:
            typed = str(click.prompt(_("Key"), default=_SKIP)).strip().lower()[:1]
        except click.Abort:
            click.echo()
            return _QUIT
        if typed in names:
            return typed
        say("There is no key {key!r}; there are {keys}.", key=typed, keys=" ".join(names))
