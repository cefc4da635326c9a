"""The commands that keep dsar going: poll, run, work."""

import logging
import signal
from collections.abc import Collection, Sequence
from datetime import datetime
from types import FrameType
from typing import TYPE_CHECKING

import click

from dsar import __version__
from dsar.cli.console import now, print_json, print_table, session
from dsar.errors import InboxUnavailableError, MailFlowError, TemporaryError, TokenUnavailableError

if TYPE_CHECKING:
    from dsar.store.tables import Work, Worker

log = logging.getLogger(__name__)


@click.command()
@click.option(
    "--reconcile", is_flag=True, help="Compare the mailboxes with what is stored, too, as 'dsar run' does daily."
)
@click.pass_context
def poll(ctx: click.Context, *, reconcile: bool) -> None:
    """Fetch new mail once and do everything that is due."""
    from dsar import crew, poller, worker
    from dsar.casework import health

    with session(ctx, for_anybody=True) as opened:
        worker.free_dead(opened.app)
        crew.bury_silent(opened.app, now=now())
        failures: list[TemporaryError] = []
        for mailbox, open_inbox in opened.inboxes.items():
            try:
                with open_inbox() as inbox:
                    found = poller.poll(opened.app, mailbox, inbox)
                    differences = poller.reconcile(opened.app, mailbox, inbox) if reconcile else None
            except (InboxUnavailableError, TokenUnavailableError) as error:
                failures.append(error)  # the other mailboxes and what is due do not wait for this one
                continue
            note = ", another process reads it just now" if found.busy else ""
            lost = f", {found.unfetchable} could not be fetched" if found.unfetchable else ""
            click.echo(f"{mailbox}: {found.stored} new{lost}{note}")
            if differences is not None:
                click.echo(f"{mailbox}: {differences.words() or 'nothing'} differs from what is stored")
        steps = opened.run_due()
        click.echo(f"{steps} step(s) done.")
        wrong = health.look_after(opened.app, opened.tools.outbox, now=now())
        for failure in failures[1:]:
            click.echo(f"Error: {failure}", err=True)
        if failures:
            raise failures[0]
        if wrong:
            raise MailFlowError([problem.words for problem in wrong])


@click.command()
@click.option(
    "--interval", type=click.FloatRange(1, 3600), default=120.0, show_default=True, help="Seconds between polls."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that do what is due. The same command may run on other machines with the same database.",
)
@click.pass_context
def run(ctx: click.Context, interval: float, workers: int) -> None:
    """Fetch mail and do what is due until stopped."""
    from dsar import crew, poller

    _keep_journal()
    stopping = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    with (
        session(ctx, for_anybody=True) as opened,
        crew.beating(opened.app) as outdated,
        crew.helpers(ctx.obj, workers - 1, prepare=_keep_journal),
    ):
        log.info("running", extra={"version": __version__})
        poller.run(
            opened.tools, opened.inboxes, interval_seconds=interval, stopped=lambda: stopping or outdated.is_set()
        )
    log.info("stopped")


def _keep_journal() -> None:
    """In every process of `dsar run`."""
    from dsar.cli import journal

    journal.listen(journal.JsonLines(), level=logging.INFO)


#: A step that failed so often is tried once an hour from now on, and somebody should look why.
_STUCK_TRIES = 6


def _state(step: "Work", *, beating: Collection[str], at: datetime) -> str:
    """Args: beating: those whose leases do not run out."""
    if step.worker and step.lease_until is not None:
        return "under way" if step.lease_until > at or step.worker in beating else "lease ran out"
    if step.attempts >= _STUCK_TRIES:
        return "stuck"
    return "to be retried" if step.attempts else "due"


def _print_workers(crew: "Sequence[Worker]", steps: "Sequence[Work]", *, as_json: bool) -> None:
    under_way = {each.name: [step.step for step in steps if step.worker == each.name] for each in crew}
    if as_json:
        for each in crew:
            print_json({**each.model_dump(), "under_way": under_way[each.name]})
        return
    if not crew:
        click.echo("Nobody works: 'dsar run' is not running.")
        return
    print_table(
        ("Worker", "Version", "Since (UTC)", "Last seen (UTC)", "Under way"),
        [
            (
                each.name,
                each.version,
                f"{each.began_at:%Y-%m-%d %H:%M:%S}",
                f"{each.seen_at:%Y-%m-%d %H:%M:%S}",
                ", ".join(under_way[each.name]) or "-",
            )
            for each in crew
        ],
    )


@click.command()
@click.option("--workers", is_flag=True, help="Show who does the steps, on all machines, instead.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per step, or per worker.")
@click.pass_context
def work(ctx: click.Context, *, workers: bool, as_json: bool) -> None:
    """Show steps that are due, under way or stuck."""
    with session(ctx, for_anybody=True) as opened:
        with opened.app.store.transaction(read_only=True) as tx:
            crew = tx.workers()
            at, beating = now(), {each.name for each in crew}
            steps = [step for step in tx.work() if step.due_at <= at or step.attempts or step.worker]
        if workers:
            _print_workers(crew, steps, as_json=as_json)
            return
        if as_json:
            for step in steps:
                print_json({**step.model_dump(), "state": _state(step, beating=beating, at=at)})
            return
        if not steps:
            click.echo("Nothing is due.")
            return
        print_table(
            ("Step", "Of", "Due (UTC)", "State", "Tries", "Under way at", "Last error"),
            [
                (
                    step.step,
                    str(step.subject_id),
                    f"{step.due_at:%Y-%m-%d %H:%M:%S}",
                    _state(step, beating=beating, at=at),
                    str(step.attempts),
                    step.worker or "-",
                    step.last_error or "-",
                )
                for step in steps
            ],
        )
