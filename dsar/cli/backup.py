"""`dsar backup` and `dsar restore`: two encrypted files, and an empty installation filled from them."""

import os
from pathlib import Path

import click

from dsar.cli.console import now, print_json, progress, session


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON line.")
@click.pass_context
def backup(ctx: click.Context, *, as_json: bool) -> None:
    """Write encrypted copies of database and key store to the folders of [backup]; 'dsar run' does so every day."""
    from dsar.casework import backups

    with session(ctx, for_anybody=True) as opened, progress("Copying") as told:
        made = backups.back_up(opened.app, now=now(), told=told)
    if as_json:
        print_json({"data": str(made.data), "keys": str(made.keys), "removed": [str(path) for path in made.removed]})
        return
    click.echo(f"{made.data}\n{made.keys}")
    if made.removed:
        click.echo(f"{len(made.removed)} older file(s) were removed.", err=True)


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--data", type=_FILE, required=True, help="The file data-... of a backup.")
@click.option("--keys", type=_FILE, required=True, help="The file keys-... of the same backup, or of a later one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line.")
@click.pass_context
def restore(ctx: click.Context, *, data: Path, keys: Path, as_json: bool) -> None:
    """Fill an empty database and key store from a backup; exit 1 if its audit trail does not hold."""
    from dsar import settings
    from dsar.casework import backups

    with progress("Restoring") as told:
        restored = backups.restore(settings.load(ctx.obj, os.environ), data=data, keys=keys, told=told)
    report = restored.report
    holds = report.broken_at is None and report.anchor_holds is not False
    if as_json:
        print_json({"rows": restored.rows, "keys": restored.keys, "audit": report})
    else:
        click.echo(f"{restored.rows} rows and {restored.keys} keys are back; audit trail: {report.sealed} events,")
        click.echo(f"head {report.head}{'' if holds else ': it is BROKEN'}")
        click.echo("Next: 'dsar check', 'dsar purge', 'dsar poll --reconcile'; then see docs/operations.md.", err=True)
    if not holds:
        ctx.exit(1)
