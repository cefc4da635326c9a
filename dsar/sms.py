"""
A text message -> an SMS gateway, over HTTPS.

Effects: one HTTP request. Two kinds of gateway: the API of 46elks (https://46elks.se/docs: a form with `from`, `to` and
`message`, HTTP Basic log-in), and any other that takes a JSON object (docs/operations.md describes it). No redirect is
followed and no proxy of the environment is used, so that the log-in goes where the settings say.
"""

import base64
import json
import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from dsar.errors import SmsRefusedError, SmsUnavailableError, SmsUncertainError
from dsar.tls import direct_opener, is_loopback

if TYPE_CHECKING:
    from urllib.request import Request

#: Where 46elks takes messages.
ELKS_URL = "https://api.46elks.com/a1/sms"

_TIMEOUT_SECONDS = 15.0
_LONGEST_ANSWER = 16_384

Provider = Literal["none", "46elks", "http"]


@dataclass(frozen=True, kw_only=True)
class SmsAccount:
    """How to reach a gateway; secrets do not show in its repr."""

    provider: Provider
    url: str
    user: str = ""  #: 46elks: API user name.
    secret: str = ""  #: 46elks: API password; http: bearer token.
    sender: str = ""  #: Shown to the receiver: up to 11 letters and digits, or a number in E.164.

    def __repr__(self) -> str:
        return f"SmsAccount({self.provider!r}, {self.url!r})"


def is_allowed(url: str) -> bool:
    """Whether a gateway may be spoken to at *url*: codes and log-ins leave this machine by https only."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


class SmsGateway:
    """One gateway."""

    def __init__(self, account: SmsAccount, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._account = account
        self._timeout = timeout_seconds
        self._opener = direct_opener()

    def send(self, to: str, text: str, *, reference: str) -> None:
        """
        Hand one message over.

        Args: to: E.164; reference: unguessable, the same for the same message, by which a gateway may drop a copy.
        Raises: SmsUnavailableError: it was not taken, try again; SmsUncertainError: nobody knows; SmsRefusedError.
        """
        from http.client import HTTPException  # slow to load: every command reads settings, few send a message
        from urllib.error import HTTPError, URLError

        request = _FORMS[self._account.provider](self._account, to, text, reference)
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                answer = response.read(_LONGEST_ANSWER)
        except HTTPError as error:
            with error:
                if error.code == 429 or error.code >= 500:
                    raise SmsUnavailableError(f"HTTP {error.code}") from None
                raise SmsRefusedError(f"HTTP {error.code}") from None
        except URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise SmsUncertainError from None
            raise SmsUnavailableError("it does not answer") from None
        except (OSError, HTTPException):  # the connection broke after the message was handed over
            raise SmsUncertainError from None
        if self._account.provider == "46elks" and _status(answer) == "failed":
            raise SmsRefusedError("status failed")


def _elks(account: SmsAccount, to: str, text: str, reference: str) -> "Request":  # noqa: ARG001
    form = {"from": account.sender, "to": to, "message": text}
    log_in = base64.b64encode(f"{account.user}:{account.secret}".encode()).decode()
    return _request(
        account.url,
        urllib.parse.urlencode(form).encode(),
        {"Authorization": f"Basic {log_in}", "Content-Type": "application/x-www-form-urlencoded"},
    )


def _json(account: SmsAccount, to: str, text: str, reference: str) -> "Request":
    body = {"from": account.sender, "to": to, "message": text, "reference": reference}
    headers = {"Content-Type": "application/json", "Idempotency-Key": reference}
    if account.secret:
        headers["Authorization"] = f"Bearer {account.secret}"
    return _request(account.url, json.dumps(body, ensure_ascii=False).encode(), headers)


def _request(url: str, body: bytes, headers: dict[str, str]) -> "Request":
    from urllib.request import Request

    return Request(  # noqa: S310  # the scheme is checked by is_allowed
        url, data=body, headers={**headers, "Accept": "application/json", "User-Agent": "dsar"}, method="POST"
    )


#: Provider -> how its request is written.
_FORMS = {"46elks": _elks, "http": _json}


def _status(answer: bytes) -> str | None:
    try:
        told = json.loads(answer)
    except ValueError:
        return None
    status = told.get("status") if isinstance(told, dict) else None
    return status if isinstance(status, str) else None
