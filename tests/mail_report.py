"""
How triage sorts the labelled mails: `make triage-report`, or `python tests/mail_report.py held_back`.

Effects: reads mails and labels of tests/mails/NAME (or of any folder given), prints. A mail is right if its disposition
is one of those of the label and its rights are exactly the label's.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from pathlib import Path
from typing import Any

from dsar.mime import read_mail
from dsar.model import SenderAuthentication, Triage
from dsar.triage import triage

MAILS = Path(__file__).parent / "mails"
#: What is filed and never answered.
NOISE = frozenset({"not_request", "bounce", "auto_reply"})
#: Languages that the settings let the program handle alone, unless they say otherwise.
HANDLED = ("sv", "en", "no", "nn", "da")
#: 95 % of a normal distribution lie within so many standard deviations.
_Z = 1.959964


@dataclass(frozen=True)
class Sorted:
    """One labelled mail and what triage made of it."""

    path: Path
    label: dict[str, Any]
    result: Triage

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def accepted(self) -> list[str]:
        """Dispositions that careful people would choose, the best first."""
        given = self.label["disposition"]
        return [given] if isinstance(given, str) else given

    @property
    def disposition(self) -> str:
        return self.result.disposition.value

    @property
    def is_request(self) -> bool:
        return self.accepted[0] == "request"

    @property
    def is_noise(self) -> bool:
        return self.accepted[0] in NOISE

    @property
    def is_ordinary(self) -> bool:
        """Of the writer's own data, and without what always goes before a person: a lawyer, a child, a threat."""
        return self.label["requester"] in ("self", "web_form") and not self.label.get("flags")

    @cached_property
    def wanted(self) -> list[str]:
        return sorted({_right(each) for each in self.label["requests"]})

    @cached_property
    def found(self) -> list[str]:
        return sorted({_found(r.right.value, r.portability) for r in self.result.subjects[0].requests})

    @property
    def has_right_rights(self) -> bool:
        return [right.partition("+")[0] for right in self.wanted] == [right.partition("+")[0] for right in self.found]

    @property
    def has_right_disposition(self) -> bool:
        return self.disposition in self.accepted

    @property
    def is_right(self) -> bool:
        return self.has_right_disposition and self.has_right_rights

    @property
    def is_lost(self) -> bool:
        """A request that would be filed as noise: nobody would ever answer it."""
        return self.accepted == ["request"] and self.disposition in NOISE

    @cached_property
    def identifiers(self) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
        """(labelled, found) of the first subject; the name is compared apart."""
        labelled = {(each["type"], _plain(each["value"])) for each in self.label["identifiers"]}
        found = {(each.type.value, _plain(each.value)) for each in self.result.subjects[0].identifiers}
        return _without_names(labelled), _without_names(found)

    def details(self) -> Iterator[tuple[str, object, object]]:
        """(field, label, finding) of every labelled field that differs."""
        first = self.result.subjects[0]
        labelled, found = self.identifiers
        both: list[tuple[str, object, object]] = [
            ("disposition", self.accepted, self.disposition if not self.has_right_disposition else self.accepted),
            ("requests", self.wanted, self.found),
            ("language", self.label["language"], self.result.language),
            ("requester", self.label["requester"], self.result.requester.value),
            ("subject_name", _plain(self.label["subject_name"]), _plain(first.name)),
            ("identifiers", sorted(labelled), sorted(found)),
            ("flags", sorted(self.label["flags"]), sorted(self.result.flags)),
            (
                "changes",
                sorted(_changes(self.label)),
                sorted(
                    ("employer" if c.field == "organisation" else c.field, c.old or "", c.new or "", c.valid_from or "")
                    for c in first.changes
                ),
            ),
        ]
        if self.label.get("subjects"):
            both.append(
                (
                    "subjects",
                    [_plain(each["name"]) for each in self.label["subjects"]],
                    [_plain(each.name) for each in self.result.subjects],
                )
            )
        return (each for each in both if each[1] != each[2])


def _right(request: dict[str, Any]) -> str:
    return _found(request["type"], bool(request.get("portability")))


def _found(right: str, portable: bool) -> str:  # noqa: FBT001  # two facts of one request
    return f"{right}+portable" if portable else right


def _without_names(identifiers: set[tuple[str, str]]) -> set[tuple[str, str]]:
    return {each for each in identifiers if each[0] != "name"}


def _plain(value: str | None) -> str:
    return "".join((value or "").casefold().split())


def _changes(label: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [(c["field"], c["old"] or "", c["new"] or "", c["from"] or "") for c in label["changes"]]


def sort_all(folder: Path, only: Collection[str] | None = None) -> list[Sorted]:
    """Every mail of *folder*, or those of them named in *only*, sorted; each has a label beside it."""
    found = []
    for path in sorted(folder.glob("*.eml")):
        if only is not None and path.stem not in only:
            continue
        label = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        result = triage(read_mail(path.read_bytes()), sender_authentication=SenderAuthentication.NONE)
        found.append(Sorted(path, label, result))
    return found


# ------------------------------------------------------------------------------------------------------- figures


def interval(k: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of k of n. Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209."""
    if n == 0:
        return 0.0, 1.0
    share, square = k / n, _Z * _Z
    centre = share + square / (2 * n)
    reach = _Z * sqrt(share * (1 - share) / n + square / (4 * n * n))
    return max(0.0, (centre - reach) / (1 + square / n)), min(1.0, (centre + reach) / (1 + square / n))


def share(k: int, n: int) -> str:
    """ "k of n = p % (low-high)"."""
    low, high = interval(k, n)
    return f"{k} of {n} = {100 * k / n:.1f} % ({100 * low:.1f}-{100 * high:.1f})" if n else "none of these"


def figures(mails: Sequence[Sorted]) -> dict[str, tuple[int, int]]:
    """Name -> (k, n) of what the product promises about *mails*."""
    requests = [m for m in mails if m.is_request]
    handled = [m for m in requests if m.label["language"] in HANDLED]
    ordinary = [m for m in handled if m.is_ordinary]
    noise = [m for m in mails if m.is_noise]
    alone = [m for m in mails if not m.result.needs_person]
    labelled = sum(len(m.identifiers[0]) for m in requests)
    taken = sum(len(m.identifiers[1]) for m in requests)
    both = sum(len(m.identifiers[0] & m.identifiers[1]) for m in requests)
    return {
        "requests filed as noise": (sum(m.is_lost for m in mails), len(requests)),
        "wrong without a person": (sum(not m.is_right for m in alone), len(alone)),
        "requests with exactly the right rights": (sum(m.has_right_rights for m in requests), len(requests)),
        "requests in sv, en, no, da right without a person": (
            sum(m.is_right and not m.result.needs_person for m in handled),
            len(handled),
        ),
        "of these, one's own and without a flag": (
            sum(m.is_right and not m.result.needs_person for m in ordinary),
            len(ordinary),
        ),
        "noise filed without a person": (
            sum(m.disposition in NOISE and not m.result.needs_person for m in noise),
            len(noise),
        ),
        "identifiers of requests found": (both, labelled),
        "identifiers that are foreign": (taken - both, taken),
    }


def field_figures(mails: Sequence[Sorted]) -> dict[str, tuple[int, int]]:
    """Field of the label -> (k, n) mails that have it exactly right."""
    wrong = Counter(field for mail in mails for field, _, _ in mail.details())
    fields = ("disposition", "requests", "language", "requester", "subject_name", "identifiers", "flags", "changes")
    return {field: (len(mails) - wrong[field], len(mails)) for field in fields}


# ---------------------------------------------------------------------------------------------------------- report


def report(mails: Sequence[Sorted]) -> Iterator[str]:
    """Lines of the whole report."""
    groups: tuple[tuple[str, Callable[[Sorted], bool]], ...] = (
        ("all", lambda _: True),
        ("Swedish and English", lambda m: m.label["language"] in ("sv", "en")),
        ("other languages", lambda m: m.label["language"] not in ("sv", "en")),
    )
    for title, belongs in groups:
        chosen = [mail for mail in mails if belongs(mail)]
        yield f"\n{title}: {len(chosen)} mails"
        yield from (f"  {name:52} {share(k, n)}" for name, (k, n) in figures(chosen).items())
    yield "\nfields exactly right"
    yield from (f"  {name:52} {share(k, n)}" for name, (k, n) in field_figures(mails).items())
    yield from _classes(
        "disposition",
        mails,
        lambda m: {m.accepted[0]},
        lambda m: {m.accepted[0] if m.has_right_disposition else m.disposition},
    )
    yield from _classes("right", mails, lambda m: set(m.wanted), lambda m: set(m.found))
    yield from _confusion(mails)
    yield "\nmisses"
    for mail in mails:
        yield from _miss(mail)


def _classes(
    title: str, mails: Sequence[Sorted], wanted: Callable[[Sorted], set[str]], found: Callable[[Sorted], set[str]]
) -> Iterator[str]:
    both = [(wanted(mail), found(mail)) for mail in mails]
    yield f"\n{title:20} {'recall':40} precision"
    for name in sorted({each for pair in both for one in pair for each in one}):
        hits = sum(name in w and name in f for w, f in both)
        recall, precision = share(hits, sum(name in w for w, _ in both)), share(hits, sum(name in f for _, f in both))
        yield f"  {name:18} {recall:40} {precision}"


def _confusion(mails: Sequence[Sorted]) -> Iterator[str]:
    pairs = Counter((m.accepted[0], m.disposition) for m in mails if not m.has_right_disposition)
    yield "\nconfusion (label -> found)"
    yield from (f"  {label} -> {found}: {count}" for (label, found), count in pairs.most_common())


def _miss(mail: Sorted) -> Iterator[str]:
    details = list(mail.details())
    if not details:
        return
    alone = "" if mail.result.needs_person else " WITHOUT A PERSON"
    yield f"{'WRONG' + alone if not mail.is_right else 'detail'} {mail.name} ({mail.label['why']})"
    yield from (f"    {field}: wanted {wanted}, found {found}" for field, wanted, found in details)
    yield from (f"    - {reason}" for reason in mail.result.reasons)


def main(arguments: Iterable[str]) -> None:
    for name in list(arguments) or ["training"]:
        folder = Path(name) if "/" in name else MAILS / name
        print(  # noqa: T201  # this is what it is for
            "\n".join([str(folder), *report(sort_all(folder))])
        )


if __name__ == "__main__":
    main(sys.argv[1:])
