"""`dsar suppress`: who must get no marketing (Art. 21(3)), for whoever prepares a campaign."""

import csv
import io
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dsar.cli.console import complain, now, print_json, print_table, save_private, say, session
from dsar.errors import UsageError
from dsar.locale import said

if TYPE_CHECKING:
    from connectors.sifting import Sifted
    from dsar.casework.context import App


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
@click.argument("value", metavar="FILE|VALUE")
@click.option("--clean", type=click.Path(path_type=Path), help="Write FILE without those on the list here.")
@click.option("--report", type=click.Path(path_type=Path), help="Write which rows were taken out here, as CSV.")
@click.pass_context
def check(ctx: click.Context, value: str, *, clean: Path | None, report: Path | None) -> None:
    """
    Check a register (CSV or XLSX) before it is used, or one e-mail address, phone number or postal address.

    Exit code 1 if somebody on the list is in it and no clean file was asked for.
    """
    from dsar.casework import suppressing

    path = Path(value)
    with session(ctx) as opened:
        opened.actor()
        if path.is_file():
            found = _sifted(opened.app, path)
        elif clean or report:
            raise UsageError(said("There is no file {file}.", file=value))
        else:
            blocked = suppressing.blocked(opened.app, [value])
            say("blocked" if blocked else "free")
            ctx.exit(1 if blocked else 0)
    lines = [("Sheet", "Row", "Channels")]
    lines += [(each.sheet, str(each.row), " ".join(each.channels)) for each in found.taken_out]
    if clean:
        save_private(clean.parent, clean.name, found.content)
    if report:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=";").writerows(lines)
        save_private(report.parent, report.name, text.getvalue().encode())
    elif found.taken_out:
        print_table(lines[0], lines[1:])
    complain("{count} of {rows} rows are on the list.", count=len(found.taken_out), rows=found.rows)
    if found.taken_out and not clean:
        ctx.exit(1)


def _sifted(app: "App", path: Path) -> "Sifted":
    from dsar import wiring
    from dsar.casework.suppressing import Screen
    from dsar.staff import read_named_file

    return wiring.sift(path.suffix, read_named_file(path, os.environ), Screen(app).channels)


@suppress.command()
@click.argument("value")
@click.option("--opt-in", type=click.DateTime(["%Y-%m-%d"]), help="Day of the new consent; it must be later.")
@click.pass_context
def allow(ctx: click.Context, value: str, *, opt_in: datetime | None) -> None:
    """Take a contact point off the list: its holder has consented anew, or wants to be forgotten here, too."""
    from dsar.casework import suppressing

    with session(ctx) as opened:
        day = opt_in.date() if opt_in else None
        if not suppressing.allow(opened.app, value, opt_in_on=day, actor=opened.actor(), now=now()):
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
