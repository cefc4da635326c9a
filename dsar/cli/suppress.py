"""`dsar suppress`: who must get no marketing (Art. 21(3)), for whoever prepares a campaign."""

import os
from pathlib import Path

import click

from dsar.cli.console import now, print_json, print_table, say, session
from dsar.errors import UsageError


@click.group()
def suppress() -> None:
    """Ask who must get no marketing; the list holds keyed digests, so it can be asked and not read."""


@suppress.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per contact point.")
@click.pass_context
def list_(ctx: click.Context, *, as_json: bool) -> None:
    """Show what is on the list: since when, by which case."""
    from dsar.casework import suppressing

    with session(ctx) as opened:
        opened.actor()
        found = suppressing.entries(opened.app)
    if as_json:
        for entry in found:
            print_json(entry)
        return
    if not found:
        say("Nobody is on the list.")
        return
    print_table(("Since", "Channel", "Case"), [(e.since_on.isoformat(), e.channel, e.case_reference) for e in found])


@suppress.command()
@click.argument("value")
@click.pass_context
def check(ctx: click.Context, value: str) -> None:
    """Say whether an e-mail address, phone number or postal address is on the list; exit code 1 if it is."""
    from dsar.casework import suppressing

    with session(ctx) as opened:
        opened.actor()
        blocked = suppressing.blocked(opened.app, [value])
    say("blocked" if blocked else "free")
    if blocked:
        ctx.exit(1)


@suppress.command()
@click.argument("value")
@click.pass_context
def allow(ctx: click.Context, value: str) -> None:
    """Take a contact point off the list because its holder asks for that."""
    from dsar.casework import suppressing

    with session(ctx) as opened:
        if not suppressing.allow(opened.app, value, actor=opened.actor(), now=now()):
            raise UsageError("It is not on the list.")
        say("It is off the list.")


@suppress.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_context
def export(ctx: click.Context, file: Path) -> None:
    """Print the lines of FILE, one contact point each, that are on the list: take them out of the campaign."""
    from dsar.casework import suppressing
    from dsar.staff import read_named_file

    with session(ctx) as opened:
        opened.actor()
        try:
            lines = read_named_file(file, os.environ).decode("utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise UsageError("The file is not text in UTF-8.") from None
        for value in suppressing.blocked(opened.app, lines):
            click.echo(value)
