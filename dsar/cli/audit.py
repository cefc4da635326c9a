"""`dsar audit`: the append-only trail."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dsar.cli.console import json_text, now, print_json, progress, save_private, session
from dsar.errors import UsageError
from dsar.staff import read_named_file

if TYPE_CHECKING:
    from dsar.store.audit import Anchor


@click.group()
def audit() -> None:
    """Verify the audit trail, or export how a case was handled."""


@audit.command()
@click.option(
    "--anchor",
    "anchor_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What '--json' printed once, kept elsewhere: shows that the end was not cut off since.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of text.")
@click.pass_context
def verify(ctx: click.Context, *, anchor_file: Path | None, as_json: bool) -> None:
    """Compute the hash chain anew; exit 1 if it is broken."""
    anchor = _anchor(anchor_file) if anchor_file else None
    with (
        session(ctx, for_anybody=True) as opened,
        opened.app.store.transaction(read_only=True) as tx,
        progress("Verifying") as told,
    ):
        report = tx.verify_chain(anchor, told=told)
    if as_json:
        print_json(report)
    else:
        click.echo(f"{report.sealed} events sealed, {report.unsealed} not yet, head {report.head}")
        if report.broken_at is not None:
            click.echo(f"The chain is BROKEN at event {report.broken_at}.")
        if report.anchor_holds is False:
            click.echo("The chain does NOT go through that anchor: events were removed, or all of it was made anew.")
    if report.broken_at is not None or report.anchor_holds is False:
        ctx.exit(1)


def _anchor(file: Path) -> "Anchor":
    from dsar.store.audit import Anchor

    try:
        kept = json.loads(read_named_file(file, os.environ))
        return Anchor(sealed=int(kept["sealed"]), head=str(kept["head"]))
    except (ValueError, TypeError, KeyError):
        raise UsageError(f"{file} is no anchor; 'dsar audit verify --json' prints one.") from None


@audit.command()
@click.argument("reference", metavar="CASE")
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), help="Folder; default ./CASE.")
@click.option("--lang", "language", type=click.Choice(["sv", "en"]), default="sv", show_default=True)
@click.option("--without-mails", is_flag=True, help="Leave out the mails themselves; their hashes stay.")
@click.pass_context
def export(ctx: click.Context, reference: str, *, folder: Path | None, language: str, without_mails: bool) -> None:
    """Write how CASE was handled as PDF and JSON, for the supervisory authority."""
    from dsar.casework import proving, views

    with session(ctx) as opened:
        case = views.find_case(opened.app, reference, actor=opened.actor(), purged_too=True)
        record = proving.handling_record(opened.app, case, actor=opened.actor(), now=now())
        into = folder or Path(case.reference)
        name = f"{case.reference}-handling"
        save_private(into, f"{name}.json", json_text(record.as_json(), indent=2).encode())
        save_private(into, f"{name}.pdf", proving.as_pdf(opened.app, record, language))
        mails = () if without_mails else proving.mails_as_they_were(opened.app, case)
        for mail_name, content in mails:
            save_private(into / "mails", mail_name, content)
    click.echo(f"Written to {into}: it holds personal data, and only you can read it.")
