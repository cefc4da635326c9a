"""`dsar letter`: look at letters with invented data, and try an installation's own templates; touches no case."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dsar.cli.console import clean, say
from dsar.errors import UsageError
from dsar.locale import said
from dsar.staff import demand_own_rights

if TYPE_CHECKING:
    from dsar.model import Controller, Look

_FORMATS = click.Choice(["text", "html", "markdown", "pdf"])
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def letter() -> None:
    """Preview letters, or check templates of your own."""


@letter.command()
@click.argument("kind", metavar="KIND", required=False)
@click.option("--lang", "language", type=click.Choice(["sv", "en"]), default="sv", show_default=True)
@click.option("--format", "form", type=_FORMATS, default="text", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; needed for PDF.")
@click.option("--templates", type=_FOLDER, help="Folder with your templates; default: that of the settings.")
@click.pass_obj
def preview(
    settings_file: Path, kind: str | None, *, language: str, form: str, out: Path | None, templates: Path | None
) -> None:
    """Show a letter with invented data; without KIND list the kinds."""
    from dsar import letters, pdf
    from dsar.letters.rules import ACCESS_EXPORT, RULES
    from dsar.letters.samples import sample_facts
    from dsar.markdown import to_html, to_text
    from dsar.model import LetterKind

    if kind is None:
        click.echo("\n".join(RULES))
        return
    if kind not in RULES:
        raise UsageError(said("There is no letter {kind!r}; there are {kinds}.", kind=kind, kinds=", ".join(RULES)))
    if form == "pdf" and out is None:
        raise UsageError("Say with --out where the PDF goes.")
    if out is not None or templates is not None:
        demand_own_rights("name files here", os.environ)
    controller, look, folder = _installation(settings_file)
    facts = sample_facts(kind, language, controller=controller)
    folder = templates or folder
    if kind == ACCESS_EXPORT:
        markdown = letters.compose_export(language, facts, templates=folder)
    else:
        markdown = letters.markdown_of(LetterKind(kind), language, facts, templates=folder)
    title = facts.case_reference
    if form == "pdf" and out is not None:
        at = datetime.combine(facts.today, datetime.min.time(), tzinfo=UTC)
        footer = f"{controller.name} · {title}"
        made = pdf.render(markdown, title=title, language=language, footer=footer, created_at=at, look=look)
        out.write_bytes(made)
        return
    forms: dict[str, Callable[[str], str]] = {
        "text": to_text,
        "markdown": str,
        "html": lambda text: to_html(text, language=language, title=title),
    }
    shown = forms[form](markdown)
    if out is None:
        click.echo(clean(shown))
    else:
        out.write_text(shown, "utf-8")


@letter.command()
@click.argument("folder", type=_FOLDER, required=False)
@click.pass_context
def check(ctx: click.Context, folder: Path | None) -> None:
    """Try every letter with the templates of FOLDER, by default that of the settings; exit 1 if one is wrong."""
    from dsar.letters.checking import faults

    if folder is not None:
        demand_own_rights("name a folder here", os.environ)
    controller, _look, own = _installation(ctx.obj)
    folder = folder or own
    if folder is None:
        say("The settings name no folder of templates; those that are shipped are in order.")
        return
    found = faults(folder, controller=controller)
    for fault in found:
        click.echo(fault)
    if found:
        ctx.exit(1)
    say("Every letter is in order, in Swedish and English.")


@letter.command()
def schema() -> None:
    """Print the JSON schema of the data file that comes with an answer."""
    from dsar import letters

    click.echo(letters.export_schema().decode(), nl=False)


def _installation(settings_file: Path) -> tuple["Controller", "Look", Path | None]:
    """Who writes the letters, their look and the folder of their templates; invented where there are no settings."""
    from dsar import settings
    from dsar.model import Controller, Look

    if settings_file.exists():
        chosen = settings.load(settings_file, os.environ)
        return chosen.controller, chosen.look, chosen.templates_folder
    invented = Controller(
        name="Exempelbolaget AB",
        orgnr="556000-0000",
        address="Storgatan 1",
        postcode_city="432 41 Varberg",
        country="SE",
        email="integritet@example.se",
    )
    return invented, Look(), None
