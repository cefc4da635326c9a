"""
Head of a forwarded mail -> when it reached whoever forwarded it, as far as that can be read.

Effects: none. Mail programs write that date in every form; where it gives no time, noon stands for the day, and where
it gives no zone, ours.
"""

import re
from datetime import date, datetime, time
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

from dsar.triage.vocabulary import fold

_HERE = ZoneInfo("Europe/Stockholm")
_WITHIN = 3000
_HEAD_DATE = re.compile(
    r"^\W{0,5}(?:skickat|sent|sendt|gesendet|lahetetty|datum|date|dato|paivamaara)\*?[ \t]?:\*?[ \t]{0,5}(.{6,100})$",
    re.MULTILINE,
)
_RFC_5322 = re.compile(r"(?:[a-z]{3}, ?)?\d{1,2} [a-z]{3} \d{4} \d{1,2}:\d{2}(?::\d{2})? [+-]\d{4}")
_YEAR_FIRST = re.compile(r"(20\d{2})-(\d{1,2})-(\d{1,2})(?!\d)")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})([./-])(\d{1,2})\2(20\d{2})(?!\d)")
_YEAR = re.compile(r"(?<!\d)(20\d{2})(?!\d)")
_DAY = re.compile(r"(?<![\d:.])(\d{1,2})(?:st|nd|rd|th)?(?![\d:]|\.\d)")
_TIME = re.compile(r"(?<!\d)(\d{1,2})[:.](\d{2})(?:[:.]\d{2})?(?!\d)(?:\s?([ap])\.?m)?")
#: First letters of the months, folded, in the languages of the quote cutter.
_MONTHS = {
    start: number
    for number, starts in enumerate(
        ("jan tam", "feb hel", "mar maal", "apr huh", "maj mai may tou", "jun kes", "jul hei", "aug elo", "sep syy",
         "okt oct lok", "nov marr", "dec des dez jou"),
        start=1,
    )
    for start in starts.split()
}  # fmt: skip


def received_when(quoted: str) -> datetime | None:
    """The date in the first head of *quoted* as an aware datetime; None if there is none that is certain."""
    found = _HEAD_DATE.search(fold(quoted[:_WITHIN]))
    return _moment(found[1].strip(" *")) if found else None


def _moment(written: str) -> datetime | None:
    complete = _RFC_5322.search(written)
    try:
        if complete:
            return parsedate_to_datetime(complete[0])
        day, clock = _day(written), _TIME.search(_DAY_FIRST.sub("", written))
        return datetime.combine(day, _time(clock) if clock else time(12), _HERE) if day else None
    except ValueError:  # the 31st of February
        return None


def _day(written: str) -> date | None:
    if iso := _YEAR_FIRST.search(written):
        return date(int(iso[1]), int(iso[2]), int(iso[3]))
    if numbered := _DAY_FIRST.search(written):
        first, second, year = int(numbered[1]), int(numbered[3]), int(numbered[4])
        if numbered[2] == "/" and first != second and first <= 12 and second <= 12:
            return None  # 3/4 is March to some and April to others
        return date(year, first, second) if second > 12 else date(year, second, first)
    named, month = _YEAR.search(written), month_of(written)
    numbers = _DAY.findall(_YEAR.sub("", _TIME.sub("", written)))
    return date(int(named[1]), month, int(numbers[0])) if named and month and numbers else None


def month_of(written: str) -> int | None:
    """The month named in folded *written*, in any of the languages; None if there is none."""
    words = re.findall(r"[^\W\d_]{3,}", written)
    starts = (word[:length] for word in words for length in (4, 3))
    return next((_MONTHS[start] for start in starts if start in _MONTHS), None)


def _time(clock: re.Match[str]) -> time:
    hour = int(clock[1])
    if clock[3]:
        hour = hour % 12 + (12 if clock[3] == "p" else 0)
    return time(hour, int(clock[2]))
