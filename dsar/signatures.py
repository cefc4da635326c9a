"""
Exact bytes of a mail -> one line about its DKIM signatures (RFC 6376), for staff.

Effects: asks the DNS through the function it is given; of dsar only this module imports dkimpy. The line is evidence
beside others and never proof: a signature vouches for a domain, not for a person.
"""

import logging
import re
from collections.abc import Callable

from dsar.errors import SettingsError

#: TXT record of a name, as dkimpy asks for it; None if there is none.
LookUpTxt = Callable[..., bytes | None]

#: A sender may sign as often as it likes; each signature costs a look-up.
_MOST_SIGNATURES = 5
_DNS_SECONDS = 5
_DOMAIN = re.compile(r"[\w.-]{1,255}", re.ASCII)

#: dkimpy would log domains and keys.
_SILENT = logging.getLogger(f"{__name__}.dkim")
_SILENT.disabled = True


def dns() -> LookUpTxt:
    """The function that asks the DNS. Raises: SettingsError without the extra "dkim"."""
    try:
        from dkim import dnsplug  # type: ignore[import-untyped]
    except ImportError:
        raise SettingsError(["[authentication] dkim: needs the extra 'dkim' (pip install 'dsar[dkim]')"]) from None
    found: LookUpTxt = dnsplug.get_txt
    return found


def evidence(content: bytes, look_up_txt: LookUpTxt) -> str:
    """What verifying the signatures of *content* again gives, as one line."""
    return f"DKIM verified again: {_result(content, look_up_txt)}"


def _result(content: bytes, look_up_txt: LookUpTxt) -> str:
    import dkim

    def ask(name: bytes, timeout: int) -> bytes | None:
        try:
            return look_up_txt(name, timeout=timeout)
        except dkim.DnsTimeoutError:  # which dkimpy would take for a signature that is not valid
            raise TimeoutError from None

    try:
        mail = dkim.DKIM(content, logger=_SILENT, timeout=_DNS_SECONDS)
    except dkim.DKIMException:
        return "the mail cannot be read"
    signed = sum(name.lower() == b"dkim-signature" for name, _ in mail.headers)
    valid: list[str] = []
    unchecked = 0
    for at in range(min(signed, _MOST_SIGNATURES)):
        try:
            if mail.verify(idx=at, dnsfunc=ask):
                valid.append(_shown(mail.domain))
        except dkim.DKIMException:
            continue
        except Exception:  # noqa: BLE001  # foreign code over hostile headers, and whatever a resolver raises
            unchecked += 1
    if valid:
        return f"signed by {', '.join(dict.fromkeys(valid))}"
    if unchecked:
        return "a signature could not be checked"
    return "no signature is valid" if signed else "not signed"


def _shown(domain: bytes) -> str:
    found = _DOMAIN.fullmatch(domain.decode("ascii", "replace"))
    return found[0].lower() if found else "a domain that is none"
