"""
Requests to one web API -> answers that are whole JSON, or a named error.

Effects: sends requests to the one host of option `url`, and to that of `token_url`; sleeps to stay within the declared
rate and for as long as Retry-After says. Redirects are refused, TLS certificates verified, proxies and .netrc of the
environment ignored. Neither URLs nor answers are ever logged or put in errors: they hold personal data (P9).
"""

import json
import logging
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import httpx
import jmespath

from connectors import slots
from connectors.trust import trust
from connectors.turns import Limiter
from dsar.connector import Turns
from dsar.declaration import Http, Job, WebRequest
from dsar.errors import SettingsError, SystemContractError, SystemRefusedError, SystemUnavailableError
from dsar.tls import is_loopback

# They log the URL and the headers of every request, and these hold addresses that are searched for and secrets.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

_LARGEST_ANSWER_BYTES = 64_000_000
_TRIES = 6
_BUSY = frozenset({429, 503})


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the API said."""

    status: int  #: Of HTTP, or the code of an error in an answer with 200.
    body: Any  #: Parsed; decimals as Decimal.
    headers: httpx.Headers
    url: httpx.URL


@dataclass(frozen=True, kw_only=True)
class Extra:
    """What pages, log-ins and changes add to a declared request."""

    query: Mapping[str, str] | None = None
    body: Mapping[str, object] | None = None  #: Dotted place -> value.
    headers: Mapping[str, str] | None = None
    url: str | None = None  #: Instead of path and query: a link that the API gave, on the same host.
    raw: bool = False  #: The answer is a document, not JSON.


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What a request must carry to be believed."""

    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)

    def merged(self, extra: Extra) -> Extra:
        return replace(
            extra,
            headers={**(extra.headers or {}), **self.headers},
            query={**(extra.query or {}), **self.query},
            body={**(extra.body or {}), **self.body},
        )


class Login(Protocol):
    def proof(self) -> Proof:
        """What to send along. Raises: SystemUnavailableError; SystemRefusedError."""
        ...

    def renew(self, used: Proof) -> bool:
        """Whether another proof than *used* can be had."""
        ...


class Caller:
    """Speaks to one API. Safe for several threads."""

    def __init__(
        self,
        name: str,
        http: Http,
        options: Mapping[str, str],
        login: Callable[["Caller"], Login],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self.http, self.options = name, http, options
        self._clock, self._sleep = clock, sleep
        self._base = pinned(name, "url", options["url"])
        self.file_hosts = [pinned(name, "file_hosts", each) for each in options.get("file_hosts", "").split()]
        self._seconds = _number(name, options, "timeout_seconds", 30)
        self._patience = _number(name, options, "patience_seconds", 120)
        self.turns: Turns = Limiter(http.rate, clock=clock, sleep=sleep)
        self.client = httpx.Client(
            verify=trust(name, options.get("ca_file")),
            timeout=self._seconds,
            follow_redirects=False,
            trust_env=False,
            headers={"Accept": "application/json", **http.headers},
        )
        self._login = login(self)

    def call(
        self,
        request: WebRequest,
        values: Mapping[str, str],
        *,
        accept: Collection[int] = (),
        extra: Extra | None = None,
    ) -> Answer:
        """
        The answer to *request*, once the job that it may begin has ended.

        Args: accept: codes of errors that are answers to the caller.
        Raises: SystemUnavailableError; SystemRefusedError; SystemContractError.
        """
        extra = extra or Extra()
        answer = self.begin(request, values, accept, extra)
        if request.job is None or not 200 <= answer.status < 300:
            return answer
        return self.job_ended(request.job, self.job_of(request.job, answer))

    def begin(self, request: WebRequest, values: Mapping[str, str], accept: Collection[int], extra: Extra) -> Answer:
        """The first answer to *request*, whose job may go on after it. Args, raises: see call."""
        proof = self._login.proof()
        answer = self.send(request, values, proof.merged(extra))
        if answer.status in self.http.login_again and self._login.renew(proof):
            answer = self.send(request, values, self._login.proof().merged(extra))
        if (answer.status < 300 and answer.status >= 200) or answer.status in {*accept, *request.nothing}:
            return answer
        raise self.refused(answer)

    def refused(self, answer: Answer) -> Exception:
        """The error that *answer* is, without a word of it."""
        said = f"HTTP {answer.status}" if answer.status > 0 else f"error {answer.status}"
        if 300 <= answer.status < 400:
            return SystemRefusedError(self.name, f"it redirects elsewhere ({said}), which is not followed")
        if answer.status in {404, 405, 400}:
            return SystemContractError(self.name, said)
        if answer.status >= 500 or answer.status == 408:
            return SystemUnavailableError(self.name, said)
        return SystemRefusedError(self.name, said)

    def send(self, request: WebRequest, values: Mapping[str, str], extra: Extra) -> Answer:
        """One request, again for as long as the system is busy; any status but busy comes back."""
        try:
            built = self._built(request, values, extra)
        except slots.UnfitValueError:
            raise SystemRefusedError(self.name, "an identifier cannot stand in its request") from None
        waited = 0.0
        for _ in range(_TRIES):
            with self.turns.turn():
                answer = self._exchange(built, raw=extra.raw)
            if answer.status not in _BUSY:
                return self._with_error_code(answer)
            seconds = retry_after(answer.headers)
            waited += seconds
            if waited > self._patience:
                break
            self.turns.pause(seconds)
        raise SystemUnavailableError(self.name, f"it is busy (HTTP {answer.status})")

    def _built(self, request: WebRequest, values: Mapping[str, str], extra: Extra) -> httpx.Request:
        query: dict[str, str | list[str]] = {name: slots.in_query(each, values) for name, each in request.query.items()}
        query |= extra.query or {}
        url = self._base.join(extra.url) if extra.url else self._url(slots.in_path(request.path, values))
        if origin(url) != origin(self._base):
            raise SystemContractError(self.name, "a link leads to another host")
        if query:
            url = url.copy_merge_params(query)
        body = slots.in_json(request.json_body, values)
        for place, value in (extra.body or {}).items():
            body = {} if body is None else body
            slots.put(body, place, value)
        headers = dict(extra.headers or {}) | ({"Accept": "*/*"} if extra.raw else {})
        if request.form is not None:
            form = {name: slots.in_text(each, values) for name, each in request.form.items()}
            form |= {place: str(value) for place, value in (extra.body or {}).items()}
            return self.client.build_request(request.method, url, data=form, headers=headers)
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body, ensure_ascii=False).encode()
            return self.client.build_request(request.method, url, content=content, headers=headers)
        return self.client.build_request(request.method, url, headers=headers)

    def _url(self, path: str) -> httpx.URL:
        return self._base.copy_with(raw_path=self._base.raw_path.rstrip(b"/") + path.encode("ascii"))

    def _exchange(self, built: httpx.Request, *, raw: bool) -> Answer:
        deadline = self._clock() + self._seconds
        try:
            response = self.client.send(built, stream=True)
            try:
                content = bytearray()
                for piece in response.iter_bytes():
                    content += piece
                    if len(content) > _LARGEST_ANSWER_BYTES:
                        raise SystemContractError(self.name, "an answer is larger than any should be")
                    if self._clock() > deadline:
                        raise SystemUnavailableError(self.name, "it took too long to answer")
            finally:
                response.close()
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise SystemUnavailableError(self.name, type(error).__name__) from None
        self._heed_quota(response.headers)
        body: Any = None
        if 200 <= response.status_code < 300:
            body = bytes(content) if raw else self._parsed(bytes(content), response)
        return Answer(status=response.status_code, body=body, headers=response.headers, url=response.url)

    def foreign(self, url: httpx.URL) -> Answer:
        """The document at *url*, asked for without anything that is meant for the API alone."""
        timeout = httpx.Timeout(self._seconds).as_dict()
        return self._exchange(
            httpx.Request("GET", url, headers={"Accept": "*/*"}, extensions={"timeout": timeout}), raw=True
        )

    def _parsed(self, content: bytes, response: httpx.Response) -> Any:  # noqa: ANN401  # JSON
        if not content.strip():
            return None
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in {"text/html", "application/xhtml+xml"}:
            # A session that ran out is often answered with a page to log in on, and status 200.
            raise SystemUnavailableError(self.name, "it answers with a web page instead of data")
        try:
            text = content.decode(response.charset_encoding or "utf-8-sig")
            return json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
        except (ValueError, LookupError, RecursionError):
            raise SystemUnavailableError(self.name, "its answer is not whole JSON") from None

    def _with_error_code(self, answer: Answer) -> Answer:
        """An error inside an answer with status 200 (GraphQL, JSON-RPC) as if HTTP had said it."""
        if self.http.error is None or answer.status != 200 or not jmespath.search(self.http.error, answer.body):
            return answer
        code = jmespath.search(self.http.error_code, answer.body) if self.http.error_code else None
        return Answer(
            status=code if isinstance(code, int) and not 200 <= code < 300 else -1,
            body=None,
            headers=answer.headers,
            url=answer.url,
        )

    def _heed_quota(self, headers: httpx.Headers) -> None:
        """X-RateLimit-Remaining: 0 means to wait until X-RateLimit-Reset, in seconds or as seconds since 1970."""
        reset = headers.get("X-RateLimit-Reset", "")
        if headers.get("X-RateLimit-Remaining") == "0" and reset.isascii() and reset.isdecimal() and len(reset) < 12:
            seconds = float(reset) if float(reset) < 1e8 else float(reset) - datetime.now(UTC).timestamp()
            self.turns.pause(min(max(seconds, 0.0), self._patience))

    def job_of(self, job: Job, begun: Answer) -> str:
        """What the system calls the job that *begun* tells of. Raises: SystemContractError if it names none."""
        said = jmespath.search(job.number, begun.body) if job.number else begun.headers.get("Location")
        if said is None:
            raise SystemContractError(self.name, "the answer names no job")
        return str(said)

    def job_ended(self, job: Job, id_: str, *, accept: Collection[int] = ()) -> Answer:
        """
        The answer that says that a job is done, or its result.

        Args: id_: see job_of; accept: codes that end the waiting, too.
        Raises: SystemRefusedError if it has failed; SystemUnavailableError if it has not ended in time; as call.
        """
        values = {"job": id_}
        link = None if job.number else id_
        until = self._clock() + job.within_seconds
        while True:
            poll = WebRequest(path=job.path)
            answer = self.begin(poll, values, accept, Extra(url=link))
            if answer.status in accept:
                return answer
            status = str(jmespath.search(job.status, answer.body))
            if status in job.done:
                return self.begin(WebRequest(path=job.result), values, (), Extra()) if job.result else answer
            if status in job.failed:
                raise SystemRefusedError(self.name, "the job that it began has failed")
            if self._clock() >= until:
                raise SystemUnavailableError(self.name, "the job that it began has not ended in time")
            self._sleep(job.every_seconds)


def _no_constant(said: str) -> object:
    raise ValueError(said)


def pinned(name: str, option: str, text: str) -> httpx.URL:
    """The URL in *text*. Raises: SettingsError unless it is HTTPS, or HTTP on this very machine."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if not url.host or not (url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host))):
        raise SettingsError([f"system {name}: {option} must be an https:// address"])
    if url.userinfo or url.query or url.fragment:
        raise SettingsError([f"system {name}: {option} holds more than host and path"])
    return url


def retry_after(headers: httpx.Headers) -> float:
    """RFC 9110 section 10.2.3: seconds or a date; at least a second, so that nobody is hammered."""
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdecimal() and len(said) < 8:
        return max(1.0, float(said))
    try:
        return max(1.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 5.0


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    default = {"https": 443, "http": 80}.get(url.scheme)
    return url.scheme, url.host, url.port or default


def _number(name: str, options: Mapping[str, str], option: str, default: int) -> float:
    text = options.get(option, str(default))
    if not (text.isascii() and text.isdecimal()) or text == "0":
        raise SettingsError([f"system {name}: {option} is no whole number"])
    return float(text)
