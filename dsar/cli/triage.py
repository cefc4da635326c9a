"""
dsar triage FILE... | -

Effects: reads the files or standard input, prints; needs no settings and no database.
"""

import json
import os
import sys
from pathlib import Path

import click

from dsar.errors import MalformedMailError
from dsar.mime import read_mail
from dsar.model import FoundRequest, Identifier, RequestedChange, Triage, TriageSubject
from dsar.staff import read_named_file
from dsar.triage import triage as sort_mail

_TRUSTED_AUTHENTICATION = ("xelent.se",)


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per file and line.")
@click.option("--why", is_flag=True, help="Show every rule that matched.")
@click.pass_context
def triage(ctx: click.Context, files: tuple[str, ...], *, as_json: bool, why: bool) -> None:
    """Explain what a mail asks, touching nothing; "-" reads standard input."""
    failed = False
    for file in files:
        try:
            result = _triage(_content(file))
        except OSError as error:
            click.echo(f"{file}: {error.strerror or 'it cannot be read'}.", err=True)
            failed = True
        except MalformedMailError as error:
            click.echo(f"{file}: {error}", err=True)
            failed = True
        else:
            click.echo(
                json.dumps(_as_json(file, result), ensure_ascii=False) if as_json else _summary(file, result, why=why)
            )
    if failed:
        ctx.exit(1)


def _content(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == "-" else read_named_file(Path(file), os.environ)


def _triage(content: bytes) -> Triage:
    from dsar.identity import authenticate, believable

    mail = read_mail(content)
    results = believable(
        mail.authentication_results, mail.hops_above, hops=mail.hops, own_servers=_TRUSTED_AUTHENTICATION
    )
    finding = authenticate(results, trusted=_TRUSTED_AUTHENTICATION, sender=mail.sender)
    return sort_mail(mail, sender_authentication=finding)


# ---------------------------------------------------------------------------------------------------------- JSON


def _as_json(file: str, result: Triage) -> dict[str, object]:
    first = result.subjects[0]
    return {
        "file": file,
        "disposition": result.disposition.value,
        "requests": [_request(request) for request in first.requests],
        "language": result.language,
        "subject_name": first.name,
        "requester": result.requester.value,
        "identifiers": [_identifier(identifier) for identifier in first.identifiers],
        "subjects": [_subject(subject) for subject in result.subjects],
        "changes": [_change(change) for change in first.changes],
        "flags": list(result.flags),
        "sender_authentication": result.sender_authentication.value,
        "needs_person": result.needs_person,
        "reasons": list(result.reasons),
    }


def _request(request: FoundRequest) -> dict[str, object]:
    return {
        "type": request.right.value,
        "portability": request.portability,
        "evidence": request.evidence,
        "reason": request.reason,
    }


def _identifier(identifier: Identifier) -> dict[str, str]:
    return {"type": identifier.type.value, "value": identifier.value}


def _subject(subject: TriageSubject) -> dict[str, object]:
    return {
        "name": subject.name,
        "identifiers": [_identifier(identifier) for identifier in subject.identifiers],
        "requests": [_request(request) for request in subject.requests],
    }


def _change(change: RequestedChange) -> dict[str, str | None]:
    return {"field": change.field, "old": change.old, "new": change.new, "from": change.valid_from}


# ------------------------------------------------------------------------------------------------------- summary


def _summary(file: str, result: Triage, *, why: bool) -> str:
    lines = [f"{file}: {result.disposition.value.replace('_', ' ')} ({result.language}, by {result.requester.value})"]
    for subject in result.subjects:
        lines.append(f"  {subject.name or 'unnamed'}: " + (", ".join(i.value for i in subject.identifiers) or "-"))
        lines += [
            f"    {r.right.value}{' (portable)' if r.portability else ''}: {r.evidence}" for r in subject.requests
        ]
        lines += [f"    change {c.field}: {c.old or '?'} -> {c.new or '?'}" for c in subject.changes]
    if result.flags:
        lines.append(f"  flags: {', '.join(result.flags)}")
    lines.append(f"  sender authentication: {result.sender_authentication.value}")
    lines.append(f"  {'A person must sort it.' if result.needs_person else 'No doubt.'}")
    if why:
        lines += [f"  - {reason}" for reason in (*result.reasons, *result.sender_evidence)]
    return "\n".join(lines)
