"""`dsar document`: the documents that come with an access answer, decided one by one."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dsar.cli.console import clean, now, print_json, print_table, run_due, save_private, say, session
from dsar.errors import UsageError
from dsar.staff import read_named_file

if TYPE_CHECKING:
    from dsar.casework.attaching import Listed

_GROUND = click.Choice(["other_person", "secret", "confidential"])


@click.command()
@click.argument("reference", metavar="CASE")
@click.argument("number", type=int, required=False)
@click.option("--annex", "word", flag_value="annex", help="You have looked: it goes with the answer as it is.")
@click.option("--leave-out", "word", flag_value="left_out", help="The answer tells that it is left out, and why.")
@click.option("--ground", type=_GROUND, default="other_person", show_default=True, help="Why, with --leave-out.")
@click.option("--replace", "copy", metavar="FILE", help="Annex this in its place, e.g. a redacted copy; - reads stdin.")
@click.option("--save", type=click.Path(file_okay=False, path_type=Path), help="Folder to look at it, or at all, in.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per document.")
@click.pass_context
def document(
    ctx: click.Context,
    reference: str,
    number: int | None,
    *,
    word: str | None,
    ground: str,
    copy: str | None,
    save: Path | None,
    as_json: bool,
) -> None:
    """Decide about the documents of an access answer; without options list them."""
    if (word or copy) and (number is None or (word and copy)):
        raise UsageError("Give one number, with one of --annex, --leave-out and --replace.")
    from dsar.casework import attaching, views
    from dsar.redaction import Ground

    with session(ctx) as opened:
        actor = opened.actor()
        case = views.find_case(opened.app, reference, actor=actor)
        if number is not None and copy is not None:
            content = sys.stdin.buffer.read() if copy == "-" else read_named_file(Path(copy), os.environ)
            attaching.put_in_place(opened.app, case, number, content, actor=actor, now=now())
            say("Document {number} is replaced, and annexed.", number=number)
            return
        if number is not None and word is not None:
            attaching.decide(opened.app, case, number, word=word, ground=Ground(ground), actor=actor, now=now())
            annexed = word == attaching.ANNEX
            say("Document {number} is annexed." if annexed else "Document {number} is left out.", number=number)
            return
        run_due(opened)
        with opened.app.store.transaction() as tx:
            tx.record("looked_at_data", actor=actor, at=now(), case_id=case.id)
            found = [each for each in attaching.listed(opened.app, tx, case) if number in {None, each.number}]
        _print(found, as_json=as_json)
        for each in found if save is not None else ():
            if each.row is not None and each.row.state == "kept" and save is not None:
                name = f"{case.reference}-document-{each.number}{Path(each.document.name).suffix.lower()[:6]}"
                place = save_private(save, clean(name), attaching.content_of(opened.app, case, each.row))
                say("{place}; delete it when you have looked.", place=place)


def _print(found: Sequence["Listed"], *, as_json: bool) -> None:
    if as_json:
        for each in found:
            print_json(
                {
                    "number": each.number,
                    "system": each.record.system,
                    "label": each.document.label,
                    "name": each.document.name,
                    "state": each.row.state if each.row else "wanted",
                    "clear": bool(each.row and each.row.is_clear),
                    "word": each.row.word if each.row else "",
                    "open": each.is_open,
                }
            )
        return
    if not found:
        say("No document belongs to the answer.")
        return
    rows = [
        (str(each.number), _stand(each), each.record.system, each.document.label.en, each.document.name)
        for each in found
    ]
    print_table(("No", "Decision", "System", "What", "Name"), rows)


def _stand(each: "Listed") -> str:
    """What is to be said of a document in one or two words."""
    if each.row is None:
        return "not fetched"
    if each.row.state != "kept":
        return each.row.word or f"undecided: {each.row.state}"
    if each.row.word:
        return "replaced" if each.row.replaced else each.row.word
    return "annexed" if each.row.is_clear else "undecided: look at it"
