"""
dsar triage FILE... | - | M-NUMBER...

Effects: reads the files or standard input, prints; only a stored mail (M-17) needs settings and database. With --corpus
it writes an entry of the corpus.
"""

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dsar.cli.console import clean, print_json, save_private, say, session
from dsar.errors import MalformedMailError, UsageError
from dsar.locale import said
from dsar.mime import read_mail
from dsar.model import (
    Disposition,
    FoundRequest,
    Identifier,
    InboundMail,
    RequestedChange,
    Triage,
    TriageSubject,
)
from dsar.staff import read_named_file
from dsar.triage import triage as sort_mail

if TYPE_CHECKING:
    from dsar.casework.sorting import Correction

_TRUSTED_AUTHENTICATION = ("xelent.se",)
_STORED = re.compile(r"M-\d{1,11}", re.IGNORECASE)


@click.command()
@click.argument("files", metavar="FILE|M-NUMBER...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per file and line.")
@click.option("--why", is_flag=True, help="Show every rule that matched, and who sorted it otherwise, and why.")
@click.option(
    "--corpus",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write stored mails to as corpus entries, as persons sorted them, with other names and numbers.",
)
@click.pass_context
def triage(ctx: click.Context, files: tuple[str, ...], *, as_json: bool, why: bool, corpus: Path | None) -> None:
    """Explain what a mail asks, touching nothing; "-" reads standard input, M-17 is a stored mail."""
    stored = [file for file in files if _STORED.fullmatch(file) and not Path(file).exists()]
    if corpus is not None and len(stored) < len(files):
        raise UsageError("--corpus is for stored mails, such as M-17.")
    if stored:
        _explain_stored(ctx, stored, as_json=as_json, why=why, corpus=corpus)
    failed = False
    files = tuple(file for file in files if file not in stored)
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


def _explain_stored(
    ctx: click.Context, references: Sequence[str], *, as_json: bool, why: bool, corpus: Path | None
) -> None:
    from dsar.casework import intake, sorting, views

    with session(ctx) as opened:
        for reference in references:
            message = views.find_message(opened.app, reference)
            mail = intake.read(opened.app, message)
            result = intake.examine(opened.app, mail)
            corrected = sorting.corrections(opened.app, message)
            if corpus is not None:
                _write_entry(corpus, reference, mail, result, corrected, own=opened.app.settings.own_addresses)
                continue
            if as_json:
                print_json(_as_json(reference, result) | {"corrections": corrected})
                continue
            click.echo(clean(_summary(reference, result, why=why)))
            for each in corrected if why else ():
                click.echo(clean(f"  - {_told(each)}"))


def _told(each: "Correction") -> str:
    program, person = (", ".join(rights) or "no request" for rights in (each.program, each.person))
    return (
        f"{each.actor} on {each.at:%Y-%m-%d}: {person}, where the program had found {program}. {each.why or ''}".strip()
    )


def _write_entry(
    folder: Path,
    reference: str,
    mail: InboundMail,
    result: Triage,
    corrected: Sequence["Correction"],
    *,
    own: frozenset[str],
) -> None:
    if not corrected:
        raise UsageError(said("Nobody has sorted {reference}; 'dsar sort' does.", reference=reference))
    rights = corrected[-1].person
    disposition = Disposition.REQUEST if rights else Disposition.NOT_REQUEST
    from dsar.triage.anonymise import corpus_entry

    content, label = corpus_entry(mail, result, rights, disposition=disposition.value, own_addresses=own)
    name = reference.lower()
    save_private(folder, f"{name}.eml", content)
    save_private(folder, f"{name}.json", (json.dumps(label, ensure_ascii=False, indent=2) + "\n").encode())
    say("Wrote {place}.eml and .json. Read both: only a person sees what else tells who wrote it.", place=folder / name)


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
