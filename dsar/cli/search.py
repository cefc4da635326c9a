"""`dsar search`: what the connected systems hold, outside any case; audited."""

from collections.abc import Mapping, Sequence

import click

from dsar.cli.console import clean, now, print_json, print_table, progress, say, session
from dsar.errors import TemporaryError, UsageError
from dsar.locale import said
from dsar.model import Identifier, IdentifierType, Record, SearchResult, SystemOutcome

_OPTIONS = {
    "email": IdentifierType.EMAIL,
    "phone": IdentifierType.PHONE,
    "personnummer": IdentifierType.PERSONNUMMER,
    "customer_no": IdentifierType.CUSTOMER_NO,
    "username": IdentifierType.USERNAME,
    "name": IdentifierType.NAME,
}
_WHOLE = frozenset({SystemOutcome.FOUND, SystemOutcome.NOTHING})


@click.command()
@click.option("--email", multiple=True, help="E-mail address.")
@click.option("--phone", multiple=True, help="Phone number in any spelling.")
@click.option("--personnummer", multiple=True, help="Personal identity or coordination number.")
@click.option("--customer-no", multiple=True, help="Customer number.")
@click.option("--username", multiple=True, help="User name.")
@click.option("--name", multiple=True, help="Name; gives candidates only.")
@click.option("--system", "systems", multiple=True, help="Only this system; repeat for several.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line.")
@click.pass_context
def search(ctx: click.Context, /, *, systems: tuple[str, ...], as_json: bool, **values: tuple[str, ...]) -> None:
    """Search the connected systems outside a case; the given identifiers count as proven. The search is audited."""
    from dsar.casework.searching import search_outside_case

    identifiers = _identifiers(values)
    with session(ctx) as opened, progress("Searching the systems") as told:
        result = search_outside_case(
            opened.app, identifiers, systems=systems, actor=opened.actor(), now=now(), told=told
        )
    if as_json:
        print_json(as_document(result))
    else:
        _print(result)
    if any(each.outcome not in _WHOLE for each in result.systems):
        ctx.exit(TemporaryError.exit_code)


def as_document(result: SearchResult) -> dict[str, object]:
    """The JSON form of *result*, with labels in Swedish."""
    return {
        "systems": [{"system": each.system, "outcome": each.outcome, "detail": each.detail} for each in result.systems],
        "records": [_record(record) for record in result.records],
        "protected": result.protected,
    }


def _record(record: Record) -> dict[str, object]:
    documents = [
        {"label": each.label.sv, "name": each.name, "media_type": each.media_type, "size": each.size}
        for each in record.documents
    ]
    return {
        "system": record.system,
        "object": record.object,
        "key": record.key,
        "strength": record.strength,
        "found_by": {"type": record.found_by.type, "value": record.found_by.value},
        "keep_until": record.keep_until,
        "values": [{"path": each.path, "label": each.label.sv, "value": each.value} for each in record.values],
    } | ({"documents": documents} if documents else {})


def _identifiers(values: Mapping[str, Sequence[str]]) -> list[Identifier]:
    from dsar.identifiers import normalise

    identifiers = []
    for option, texts in values.items():
        for text in texts:
            identifier = normalise(_OPTIONS[option], text)
            if identifier is None:
                raise UsageError(
                    said(
                        "A value of --{option} cannot be one; check how it is written.", option=option.replace("_", "-")
                    )
                )
            identifiers.append(identifier)
    if not identifiers:
        raise UsageError("Say whom to search for, e.g. --email; 'dsar search --help' lists the ways.")
    return identifiers


def _print(result: SearchResult) -> None:
    if result.protected:
        say("Protected identity: tell nobody; no address is shown.\n")
    print_table(
        ("System", "Outcome", "Records", "Detail"),
        [(each.system, each.outcome, str(len(each.records)), each.detail) for each in result.systems],
    )
    for record in result.records:
        kept = f", kept until {record.keep_until}" if record.keep_until else ""
        click.echo(f"\n{record.system}/{record.object} {clean(record.key)} ({record.strength}{kept})")
        for each in record.values:
            click.echo(f"  {each.label.sv}: {clean(each.value)}")
        for document in record.documents:
            size = f", {document.size} bytes" if document.size is not None else ""
            click.echo(f"  {document.label.sv}: {clean(document.name)} ({clean(document.media_type)}{size})")
