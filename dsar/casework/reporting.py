"""
The month that has ended -> its figures, mailed to management on the first working day of the next.

Naming addresses in [statistics] is the approval (promise P3(e)); the mail names references and counts, never a person.
"""

from datetime import date, datetime, timedelta

from dsar import deadlines
from dsar.casework import figures, health
from dsar.casework.context import PROGRAM, App
from dsar.deadlines import month_of, received_on
from dsar.errors import OutboxUnavailableError
from dsar.model import Annex, Text
from dsar.outbox import SmtpOutbox

#: Name of the step; its subject is the month, as 202610.
STEP = "tell_statistics"
#: Whose detail is the last month that was put on its way, as 202610.
_MARK = "statistics_told"

_SUBJECT = Text(sv="dsar: begäranden om personuppgifter", en="dsar: requests about personal data")
_TEXT = Text(
    sv="Inkomna: {received}. Avslutade: {closed}, varav {late} för sent. Öppna vid månadens slut: {open}, "
    "varav {overdue} försenade.\n\nAlla siffror står i de bifogade filerna; sidan öppnas i valfri webbläsare. "
    "Mejlet skickas av programmet på månadens första arbetsdag.",
    en="Received: {received}. Closed: {closed}, of these {late} late. Open at the end of the month: {open}, of these "
    "{overdue} overdue.\n\nAll figures stand in the attached files; any browser opens the page. "
    "The program sends this mail on the first working day of the month.",
)


def enqueue_due(app: App, *, now: datetime) -> None:
    """Put the mail about last month on its way, once; late is better than never where the program stood still."""
    today = received_on(now)
    ended_on = today.replace(day=1) - timedelta(days=1)
    month = int(f"{ended_on:%Y%m}")
    if not app.settings.statistics.management or today < deadlines.add_working_days(ended_on, 1):
        return
    with app.store.transaction() as tx:
        last = tx.mark(_MARK)
        if last is None or int(last.detail) < month:
            tx.set_mark(_MARK, at=now, detail=str(month))
            tx.enqueue(STEP, month, due_at=now)


def tell(app: App, month: int, *, outbox: SmtpOutbox, now: datetime) -> None:
    """
    Step: mail the figures of *month*, as 202610, to everybody named in [statistics].

    Raises: OutboxUnavailableError: nobody could be told, try again.
    """
    chosen = app.settings.statistics
    first_on, last_on = month_of(month // 100, month % 100)
    files, text = _drawn(app, first_on, last_on, today=received_on(now))
    subject = f"{_SUBJECT.in_language(chosen.language)}, {first_on:%Y-%m}"
    sent = [
        health.tell(
            app,
            outbox,
            to,
            subject,
            text,
            now=now,
            message_id=f"<dsar-statistics-{month}-{number}@{app.settings.own_domain}>",
            files=files,
        )
        for number, to in enumerate(chosen.management)
    ]
    if sent and not any(sent):
        raise OutboxUnavailableError("nobody could be told the figures")
    with app.store.transaction() as tx:
        tx.record("statistics_told", actor=PROGRAM, at=now, detail={"month": str(month), "mails": str(sum(sent))})


def _drawn(app: App, first_on: date, last_on: date, *, today: date) -> tuple[tuple[Annex, ...], str]:
    from dsar.monthly_statistics.page import as_html  # drawing is slow to load, and needed once a month
    from dsar.monthly_statistics.sheet import as_pdf

    language, company = app.settings.statistics.language, app.controller.name
    result = figures.statistics(app, first_on=first_on, last_on=last_on, today=today)
    name = f"dsar-{first_on:%Y-%m}"
    page = as_html(result, company=company, language=language)
    sheet = as_pdf(result, company=company, language=language)
    total = result.total
    text = _TEXT.in_language(language).format(
        received=total.received, closed=total.closed, late=total.late, open=total.open_at_end, overdue=total.overdue
    )
    files = (
        Annex(filename=f"{name}.html", content_type="text/html", content=page.encode()),
        Annex(filename=f"{name}.pdf", content_type="application/pdf", content=sheet),
    )
    return files, text
