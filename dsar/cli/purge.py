"""`dsar purge`: what [retention] keeps no longer goes; `dsar run` does the same once a day."""

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from dsar.cli.console import now, print_json, print_table, progress, session
from dsar.errors import InboxUnavailableError, TemporaryError, TokenUnavailableError

if TYPE_CHECKING:
    from dsar.casework.purging import Purge
    from dsar.wiring import Session


@click.command()
@click.option("--dry-run", is_flag=True, help="Only show what would go now.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per thing.")
@click.pass_context
def purge(ctx: click.Context, *, dry_run: bool, as_json: bool) -> None:
    """Remove what has been kept long enough; a case under a hold stays whole."""
    from dsar.casework import purging, timekeeping

    with session(ctx, for_anybody=True) as opened:
        if dry_run:
            _print(purging.due(opened.app, now=now()), as_json=as_json, done=False)
            return
        with opened.app.store.transaction(read_only=True) as tx:
            timekeeping.demand_believable(tx, now=now())
        with progress("Removing") as told:
            gone = purging.purge(opened.app, now=now(), told=told)
        _print(gone, as_json=as_json, done=True)
        _purge_copies(opened)


def _print(things: Iterable["Purge"], *, as_json: bool, done: bool) -> None:
    from dsar.casework.purging import RULES

    if as_json:
        for thing in things:
            print_json(thing)
        return
    words = {rule.what: rule.words for rule in RULES}
    rows = [(thing.reference, words[thing.what]) for thing in things]
    print_table(("Of", "What"), rows) if rows else None
    counts = Counter(what for _, what in rows)
    told = ", ".join(f"{count} x {what}" for what, count in counts.items()) or "nothing"
    click.echo(f"{'Removed' if done else 'Due'}: {told}.", err=True)


def _purge_copies(opened: "Session") -> None:
    """Raises: InboxUnavailableError, TokenUnavailableError of the first mailbox that could not be reached."""
    from dsar import poller

    failures: list[TemporaryError] = []
    for number, (mailbox, open_inbox) in enumerate(opened.inboxes.items()):
        try:
            with open_inbox() as inbox:
                found = poller.purge_copies(opened.app, inbox, sent=number == 0)
        except (InboxUnavailableError, TokenUnavailableError) as error:
            failures.append(error)  # what is left there goes next time
            continue
        if found is None:
            click.echo(f"{mailbox}: another process reads it just now; its copies go next time", err=True)
            continue
        left = f", {found.differing} left that differ from what was stored: look at them" if found.differing else ""
        click.echo(f"{mailbox}: {found.removed} copies removed{left}", err=True)
    if failures:
        raise failures[0]
