"""
Authentication-Results and From -> what our own mail server found out about the sender.

Effects: none.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from authres import AuthenticationResultsHeader, AuthResError  # type: ignore[import-untyped]

from dsar.model import (
    SenderAuthentication,
)

#: In *trusted*: believe a topmost header that names no server, as Exchange Online writes it (against RFC 8601 s. 2.2).
TOPMOST = "topmost"
#: Where Exchange Online's own Received headers come from.
_EXCHANGE_ONLINE = frozenset({"outlook.com", "office365.com"})

_ANONYMOUS_HEADER = re.compile(r"\s*(?:spf|dkim|dmarc|arc|compauth)\s*=", re.IGNORECASE)
_LONGEST_HEADER = 8192
_MOST_HEADERS = 20  #: Our server puts its own on top; the rest is what a sender may fill a mail with.
_FAILED = frozenset({"fail", "hardfail"})


class _Finding(NamedTuple):
    method: str  #: "spf", "dkim", "dmarc", ...
    result: str  #: "pass", "fail", ...
    header_from: tuple[str, ...]  #: Domains that the finding is about.


def authenticate(
    authentication_results: Sequence[str], *, trusted: Sequence[str], sender: str | None
) -> SenderAuthentication:
    """
    What our own mail server says about the address in From.

    Args:
        authentication_results: values of those headers, topmost first. The server must remove forged headers that bear
            its own name (RFC 8601 s. 5); all but the topmost trusted header are ignored.
        trusted: authserv-ids (RFC 8601 s. 2.5) or their parent domains; TOPMOST for a server that writes none.
        sender: the From address, lower-case.
    """
    findings = _trusted_findings(authentication_results, frozenset(name.lower() for name in trusted))
    dmarc = [finding for finding in findings if finding.method == "dmarc"]
    if any(finding.result in _FAILED for finding in dmarc) or _spf_and_dkim_failed(findings):
        return SenderAuthentication.FAIL
    if sender and len(dmarc) == 1 and dmarc[0].result == "pass" and _is_aligned(dmarc[0], sender):
        return SenderAuthentication.PASS
    return SenderAuthentication.NONE


def believable(
    authentication_results: Sequence[str], hops_above: Sequence[int], *, hops: Sequence[str], own_servers: Sequence[str]
) -> tuple[str, ...]:
    """
    The headers that one of our own servers may have written: those above the first Received header that is not ours.

    A sender can write any header, but only below what the servers on the way put on top (RFC 8601 s. 5, s. 7.1).

    Args:
        hops_above: for each of *authentication_results* the number of Received headers above it.
        hops: servers that those headers name, topmost first; the topmost is ours, it filled the mailbox.
        own_servers: host names or their parent domains.
    """
    names = frozenset(name.lower() for name in own_servers) | (
        _EXCHANGE_ONLINE if TOPMOST in own_servers else frozenset()
    )
    ours = next((at for at, hop in enumerate(hops) if at > 0 and not _is_below(hop, names)), len(hops))
    return tuple(value for value, above in zip(authentication_results, hops_above, strict=True) if above <= ours)


def _is_below(host: str, names: frozenset[str]) -> bool:
    return any(host == name or host.endswith(f".{name}") for name in names)


def _trusted_findings(headers: Sequence[str], trusted: frozenset[str]) -> tuple[_Finding, ...]:
    if TOPMOST in trusted and headers and _ANONYMOUS_HEADER.match(headers[0]):
        return _parse(f"{TOPMOST}; {headers[0]}")[1]
    for header in headers[:_MOST_HEADERS]:
        server, findings = _parse(header)
        if _is_below(server, trusted):
            return findings
    return ()


def _parse(header: str) -> tuple[str, tuple[_Finding, ...]]:
    """Server and findings of one header; ("", ()) for what does not follow RFC 8601."""
    if len(header) > _LONGEST_HEADER:
        return "", ()
    try:
        parsed = AuthenticationResultsHeader.parse_value(header.strip().rstrip(";"))
    except (AuthResError, RecursionError):  # nested comments recurse in the parser
        return "", ()
    return parsed.authserv_id.lower(), tuple(
        _Finding(
            method=result.method,
            result=result.result,
            header_from=tuple(
                str(found.value).lower()
                for found in result.properties
                if (found.type, found.name) == ("header", "from")
            ),
        )
        for result in parsed.results
    )


def _spf_and_dkim_failed(findings: Sequence[_Finding]) -> bool:
    spf = [finding.result in _FAILED for finding in findings if finding.method == "spf"]
    dkim = [finding.result in _FAILED for finding in findings if finding.method == "dkim"]
    return bool(spf and dkim) and all(spf + dkim)


def _is_aligned(dmarc: _Finding, sender: str) -> bool:
    """RFC 7489 s. 3.1: the finding is about the domain in From; some servers name its organisational domain."""
    if len(dmarc.header_from) != 1 or "." not in dmarc.header_from[0]:
        return False
    found, domain = _ascii(dmarc.header_from[0].rpartition("@")[2]), _ascii(sender.rpartition("@")[2])
    return bool(found) and (domain == found or domain.endswith(f".{found}"))


def _ascii(domain: str) -> str:
    """*domain* as A-labels, "" if it cannot be written so."""
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
