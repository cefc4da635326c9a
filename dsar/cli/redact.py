"""`dsar redact`: what an access answer leaves out for the sake of others, decided one by one."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dsar.cli.console import now, print_json, print_table, say, session
from dsar.errors import UsageError

if TYPE_CHECKING:
    from dsar.casework.redacting import Numbered

_GROUND = click.Choice(["other_person", "secret", "confidential"])
_WORDS = {None: "undecided", True: "removed", False: "kept"}


@click.command()
@click.argument("reference", metavar="CASE")
@click.argument("numbers", type=int, nargs=-1)
@click.option("--remove/--keep", "removed", default=None, help="Leave these passages out of the answer, or not.")
@click.option("--record", type=int, metavar="NUMBER", help="Leave out further words of this record; with --text.")
@click.option("--text", metavar="WORDS", help="The words, exactly as they stand there; - reads them from stdin.")
@click.option("--ground", type=_GROUND, default="other_person", show_default=True, help="Why, with --text.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per passage.")
@click.pass_context
def redact(
    ctx: click.Context,
    reference: str,
    numbers: Sequence[int],
    *,
    removed: bool | None,
    record: int | None,
    text: str | None,
    ground: str,
    as_json: bool,
) -> None:
    """Decide about passages on other people in an access answer; without options list them."""
    if (record is None) != (text is None) or (record is not None and (numbers or removed is not None)):
        raise UsageError("--record and --text go together, and with nothing else.")
    if removed is None and numbers:
        raise UsageError("Give one of --remove and --keep.")
    from dsar.casework import redacting, views
    from dsar.redaction import Ground

    with session(ctx) as opened:
        case = views.find_case(opened.app, reference)
        actor = opened.actor()
        if record is not None and text is not None:
            words = sys.stdin.read().strip("\r\n") if text == "-" else text
            redacting.mark(opened.app, case, record, words, Ground(ground), actor=actor, now=now())
            say("Removed.")
        elif removed is not None:
            count = redacting.decide(opened.app, case, numbers, removed=removed, actor=actor, now=now())
            say("{count} passage(s) removed." if removed else "{count} passage(s) kept.", count=count)
        else:
            with opened.app.store.transaction() as tx:
                tx.record("looked_at_data", actor=actor, at=now(), case_id=case.id)
            print_passages(redacting.passages(opened.app, case), as_json=as_json)


def print_passages(listed: Sequence["Numbered"], *, as_json: bool = False) -> None:
    """Each passage with the words around it."""
    if as_json:
        for each in listed:
            print_json(
                {"number": each.number, "removed": each.removed, "context": each.context, "passage": each.passage}
            )
    elif not listed:
        say("No passage about other people was found in free text.")
    else:
        rows = [
            (
                str(each.number),
                _WORDS[each.removed],
                each.passage.kind,
                f"{each.passage.system}/{each.passage.object}",
                each.context,
            )
            for each in listed
        ]
        print_table(("No", "Decision", "Kind", "Where", "Text"), rows)
