"""
Figures -> one HTML page that needs nothing else: no script, no font, no picture from elsewhere.

Effects: reads its template. For a screen reader every drawing is a table, too.
"""

import re
from collections.abc import Mapping

from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined
from reportlab.graphics import renderSVG

from dsar.model import RIGHTS_IN_ORDER, Right, Text
from dsar.monthly_statistics.charts import IN_TIME, LATE, RECEIVED, months_chart
from dsar.monthly_statistics.figures import MonthlyStatistics
from dsar.monthly_statistics.lines import LINES, shown
from dsar.pdf.fonts import register

RIGHT_NAMES: Mapping[Right, Text] = {
    Right.ACCESS: Text(sv="Tillgång", en="Access"),
    Right.UPDATE: Text(sv="Rättelse", en="Rectification"),
    Right.ERASE: Text(sv="Radering", en="Erasure"),
    Right.OBJECT: Text(sv="Invändning", en="Objection"),
    Right.RESTRICT: Text(sv="Begränsning", en="Restriction"),
}

#: Kind of outage -> what stood still.
_OUTAGES: Mapping[str, Text] = {
    "poll": Text(sv="Hämtning av post", en="Fetching mail"),
    "differs": Text(sv="Brevlåda och databas stämmer inte överens", en="Mailbox and database differ"),
    "self_test": Text(sv="Provbrevet kom inte tillbaka", en="The test mail did not come back"),
}

_WORDS: Mapping[str, Text] = {
    "title": Text(sv="Begäranden om personuppgifter", en="Requests about personal data"),
    "as_of": Text(sv="Sammanställt", en="Computed"),
    "figure": Text(sv="Uppgift", en="Figure"),
    "total": Text(sv="Totalt", en="Total"),
    "months": Text(sv="De senaste tolv månaderna", en="The last twelve months"),
    "month": Text(sv="Månad", en="Month"),
    "received": RECEIVED,
    "in_time": IN_TIME,
    "late": LATE,
    "one_by_one": Text(sv="Avslutade ärenden, ett för ett", en="Closed requests, one by one"),
    "one_by_one_why": Text(
        sv="Av de rättigheter där färre än tio har avslutats. Medianer och percentiler skulle säga lite.",
        en="Of each right of which fewer than ten were closed: medians and percentiles would say little.",
    ),
    "case": Text(sv="Ärende", en="Case"),
    "right": Text(sv="Rättighet", en="Right"),
    "days": Text(sv="Kalenderdagar", en="Calendar days"),
    "net_days": Text(sv="Utan pauser", en="Net of pauses"),
    "on_time": Text(sv="I tid", en="In time"),
    "yes": Text(sv="ja", en="yes"),
    "no": Text(sv="nej", en="no"),
    "grounds": Text(sv="Avslag, efter grund", en="Refusals, by ground"),
    "ground": Text(sv="Artikel", en="Article"),
    "other_ground": Text(sv="annan lag", en="another law"),
    "number": Text(sv="Antal", en="Number"),
    "held_up": Text(sv="System som svaren fick vänta på", en="Systems that answers had to wait for"),
    "system": Text(sv="System", en="System"),
    "owner": Text(sv="Ansvarig", en="Owner"),
    "cases": Text(sv="Ärenden", en="Cases"),
    "outages": Text(sv="Avbrott i e-posten", en="Outages of mail"),
    "what": Text(sv="Vad", en="What"),
    "from": Text(sv="Från", en="From"),
    "until": Text(sv="Till", en="Until"),
    "lasts": Text(sv="pågår", en="still lasts"),
    "none": Text(sv="Inga.", en="None."),
    "how": Text(
        sv="Tiden räknas i kalenderdagar från det att begäran kom till e-postservern tills svaret gick ut. Pauser "
        "visas bredvid och dras inte av. Det som ingen har sorterat räknas som öppet.",
        en="Time is counted in calendar days from arrival at the mail server until the answer left. Pauses "
        "stand beside it and are not taken off. What nobody has sorted counts as open.",
    ),
}


def as_html(result: MonthlyStatistics, *, company: str, language: str) -> str:
    """The page in "sv" or "en"."""
    register()
    environment = Environment(
        loader=PackageLoader("dsar.monthly_statistics", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        result=result,
        company=company,
        language=language,
        period=period(result, language),
        words=words(language),
        rights=[RIGHT_NAMES[right].in_language(language) for right in RIGHTS_IN_ORDER],
        right_names={right: text.in_language(language) for right, text in RIGHT_NAMES.items()},
        rows=table(result, language),
        chart=_svg(result, language),
        outage_name=lambda what: _outage_name(what, language),
        month_name=lambda day: format_date(day, "MMMM y", locale=language),
    )


def _outage_name(what: str, language: str) -> str:
    """As "poll:privacy" is told."""
    kind, _, mailbox = what.partition(":")
    if kind not in _OUTAGES:
        return what
    return _OUTAGES[kind].in_language(language) + (f" ({mailbox})" if mailbox else "")


def words(language: str) -> dict[str, str]:
    """What page and sheet say beside the figures."""
    return {name: text.in_language(language) for name, text in _WORDS.items()}


def table(result: MonthlyStatistics, language: str) -> list[tuple[str, bool, list[str]]]:
    """(label, is part of the line above, one cell per right and one for the total) of every figure."""
    columns = (*result.by_right.values(), result.total)
    return [
        (line.label.in_language(language), line.part, [shown(line.value(figures), language) for figures in columns])
        for line in LINES
    ]


def period(result: MonthlyStatistics, language: str) -> str:
    """ "oktober 2026", or "1 oktober 2026 – 15 november 2026"."""
    first, last = result.first_on, result.last_on
    if first.day == 1 and (first.year, first.month) == (last.year, last.month):
        return format_date(first, "MMMM y", locale=language)
    return f"{format_date(first, 'd MMMM y', locale=language)} – {format_date(last, 'd MMMM y', locale=language)}"


def _svg(result: MonthlyStatistics, language: str) -> str:
    """The drawing as part of the page, hidden from screen readers, which get the table below it."""
    drawn = renderSVG.drawToString(months_chart(result, language))
    inside = re.sub(r"^.*?(?=<svg)", "", drawn, count=1, flags=re.DOTALL)
    return inside.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
