"""The commands by which staff make sure who asks: verify, mandate, code. What was shown or said is never recorded."""

from pathlib import Path

import click

from dsar.cli.console import now, run_due, save_private, say, session
from dsar.errors import UsageError
from dsar.identifiers import normalise
from dsar.lifecycle import State
from dsar.locale import said
from dsar.model import Identifier, IdentifierType

_CHECKS = click.Choice(["call_back", "shop_login", "id_shown"])
_MANDATES = click.Choice(["power_of_attorney", "advokat", "organisation", "guardian", "god_man"])


@click.command()
@click.argument("reference", metavar="CASE")
@click.option("--method", type=_CHECKS, help="How you made sure who asks.")
@click.option("--contact", metavar="ADDRESS", help="E-mail address that the check proved; default: the sender's.")
@click.option("--phone", metavar="NUMBER", help="Number that you called back; it must be on file for the person.")
@click.option("--failed", is_flag=True, help="The check did not succeed.")
@click.option("--fact", "facts", multiple=True, metavar="KIND=VALUE", help="Compare what they told you; two or more.")
@click.pass_context
def verify(
    ctx: click.Context,
    reference: str,
    *,
    method: str | None,
    contact: str | None,
    phone: str | None,
    failed: bool,
    facts: tuple[str, ...],
) -> None:
    """
    Record that you made sure who asks; nothing shown to you is copied.

    With --fact (order_no, serial, customer_no) the program compares what the person told you with what the systems
    hold, and says only whether all of it fits; three times at most.
    """
    if (method is None) == (not facts):
        raise UsageError("Give either --method or --fact, which takes two facts or more.")
    from dsar.casework import verifying, views
    from dsar.identity import CheckMethod

    told = [identifier(fact) for fact in facts]
    with session(ctx) as opened:
        case, actor = views.find_case(opened.app, reference, actor=opened.actor()), opened.actor()
        if method is None:
            fits = verifying.compare_facts(opened.app, case, told, actor=actor, now=now())
            say("{case}: they fit." if fits else "{case}: they do not all fit.", case=case.reference)
        else:
            level = verifying.verify(
                opened.app,
                case,
                method=CheckMethod(method),
                contact=contact,
                phone=phone_number(phone) if phone else None,
                passed=not failed,
                actor=actor,
                now=now(),
            )
            sentence = (
                "{case} still has identity level {level}." if failed else "{case} now has identity level {level}."
            )
            say(sentence, case=case.reference, level=level)
        run_due(opened)


@click.command()
@click.argument("reference", metavar="CASE")
@click.option("--kind", type=_MANDATES, required=True, help="What you have seen.")
@click.option(
    "--person",
    required=True,
    metavar="KIND=VALUE",
    help="What is on file for the person, e.g. email=... or customer_no=...",
)
@click.option("--to-agent", is_flag=True, help="It covers receiving the answer.")
@click.pass_context
def mandate(ctx: click.Context, reference: str, kind: str, person: str, *, to_agent: bool) -> None:
    """Record by what right somebody writes for a person, and who gets the answer."""
    from dsar.casework import representing, views

    with session(ctx) as opened:
        case = views.find_case(opened.app, reference, actor=opened.actor())
        level = representing.take_mandate(
            opened.app,
            case,
            mandate=representing.Mandate(kind),
            person=identifier(person),
            to_agent=to_agent,
            actor=opened.actor(),
            now=now(),
        )
        run_due(opened)
        say("{case} now has identity level {level}.", case=case.reference, level=level)
        say("The answer goes to the agent." if to_agent else "The answer goes to the person.")


@click.command()
@click.argument("reference", metavar="CASE[/RIGHT]")
@click.option(
    "--to", required=True, metavar="KIND=VALUE", help="email=..., phone=... or address=..., on file for the person."
)
@click.option(
    "--save", type=click.Path(file_okay=False, path_type=Path), help="Folder for the letter to print and post."
)
@click.pass_context
def code(ctx: click.Context, reference: str, to: str, save: Path | None) -> None:
    """Send a one-time code to a contact point on file: by mail, by SMS, or as a letter to print and post."""
    from dsar.casework import verifying, views

    contact = identifier(to)
    if contact.type not in {IdentifierType.EMAIL, IdentifierType.PHONE, IdentifierType.ADDRESS}:
        raise UsageError("--to takes email, phone or address.")
    if (contact.type is IdentifierType.ADDRESS) != (save is not None):
        raise UsageError("--save belongs to address=..., and only to it.")
    with session(ctx) as opened:
        states = {State.IDENTITY, State.CLARIFYING, State.REVIEW}
        case, request = views.find_request(opened.app, reference, states, actor=opened.actor())
        document = verifying.send_code(opened.app, case, request, contact, actor=opened.actor(), now=now())
        if document is not None and save is not None:
            file = save_private(save, f"{case.reference}-code.pdf", document)
            say("Print and post {file}, then delete it: nobody but the person may see the code.", file=file)
        run_due(opened)
        say("{case}/{right} waits for the code.", case=case.reference, right=request.right)


def phone_number(text: str) -> Identifier:
    """A telephone number as somebody types it. Raises: UsageError."""
    return identifier(f"phone={text}")


def identifier(text: str) -> Identifier:
    """KIND=VALUE as somebody types it. Raises: UsageError."""
    kind, _, value = text.partition("=")
    if kind not in set(IdentifierType) or not value.strip():
        raise UsageError(said("Write KIND=VALUE, with one of {kinds}.", kinds=", ".join(IdentifierType)))
    found = normalise(IdentifierType(kind), value)
    if found is None:
        raise UsageError(said("The {kind} given is none.", kind=kind))
    return found
