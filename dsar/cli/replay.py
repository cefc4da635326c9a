"""`dsar replay`: after a restored backup, what had been erased is erased again."""

from collections import Counter
from datetime import datetime

import click

from dsar.cli.console import now, print_json, print_table, session


@click.command()
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Day on which the backup was made.")
@click.option("--system", help="Only this one was restored.")
@click.option("--dry-run", is_flag=True, help="Only show what has come back.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per record.")
@click.pass_context
def replay(ctx: click.Context, *, since: datetime, system: str | None, dry_run: bool, as_json: bool) -> None:
    """Erase and stop again what was erased or stopped since the day of a backup that was restored."""
    from dsar.casework import replaying

    with session(ctx) as opened:
        found = replaying.replay(
            opened.app, since=since.date(), system=system, dry_run=dry_run, actor=opened.actor(), now=now()
        )
        if not dry_run:
            opened.run_due()
    for each in found if as_json else ():
        print_json(each)
    if not as_json:
        rows = [(f"T-{each.number}", each.case_reference, each.system, each.object, each.result) for each in found]
        print_table(("No", "Case", "System", "Object", "Now"), rows) if rows else None
        counts = Counter(each.result for each in found)
        click.echo(", ".join(f"{count} x {result}" for result, count in counts.items()) or "Nothing was erased since.")
    if any(each.needs_person for each in found):
        ctx.exit(1)
