"""
A request that begins a job -> its end, seen by whichever process lives to see it.

Effects: requests of the step. The id of a job is kept before it is asked about, and a job that is known is waited for
and not begun again; what it has really done is read back as after any other change.
"""

from collections.abc import Collection, Iterator, Mapping

from connectors.calls import Answer, Caller, Extra
from dsar.connector import Jobs
from dsar.declaration import WebRequest, Writes

#: A job that its system does not know any more has ended, for what can be known of it.
_FORGOTTEN = (404, 410)


class Passing:
    """Jobs of a step that nobody keeps: after a crash they would be begun again."""

    def begun(self) -> Mapping[str, str]:
        return {}

    def begin(self, request: str, job: str) -> None:
        pass


def await_begun(caller: Caller, web: Writes, jobs: Jobs) -> None:
    """
    Wait for what a process began that is dead by now, before the record is looked at.

    Raises: as Caller.job_ended.
    """
    requests = dict(_named(web))
    for name, id_ in jobs.begun().items():
        request = requests.get(name.partition(" ")[0])
        if request and request.job:  # else the declaration was changed meanwhile: reading back tells
            caller.job_ended(request.job, id_, accept=_FORGOTTEN)


def sent_once(
    caller: Caller,
    name: str,
    request: WebRequest,
    values: Mapping[str, str],
    *,
    accept: Collection[int],
    extra: Extra,
    jobs: Jobs,
) -> Answer | None:
    """
    The answer to one request of a step; None if it began a job before, which has ended.

    Args: name: of the request in its step; the rest, raises: as Caller.call.
    """
    if request.job is None:
        return caller.call(request, values, accept=accept, extra=extra)
    if name in jobs.begun():
        return None
    answer = caller.begin(request, values, accept, extra)
    if not 200 <= answer.status < 300:
        return answer
    id_ = caller.job_of(request.job, answer)
    jobs.begin(name, id_)
    return caller.job_ended(request.job, id_)


def _named(web: Writes) -> Iterator[tuple[str, WebRequest]]:
    """(name, request) of all that change or remove a record."""
    for kind, requests in (("remove", web.remove), ("anonymise", web.anonymise)):
        yield from ((f"{kind}.{number}", request) for number, request in enumerate(requests))
    if web.change:
        yield "change", web.change
    yield from ((f"change_of.{column}", request) for column, request in web.change_of.items())
