"""
Text of a mail -> what its sender wrote, and what is quoted or stands below the signature delimiter.

Effects: none. Line by line with plain comparisons, hence linear; the public libraries miss most Swedish forms and hang
on a repeated "On". Anchors are Swedish, Norwegian, Danish, Finnish, German, French and English.
"""

import re

_LONGEST_ANCHOR = 300
_SEPARATOR = re.compile(
    r"[-_=* ]{2,20}\s?(?:"
    r"ursprungligt meddelande|originalmeddelande|vidarebefordrat (?:meddelande|brev)|originalmelding"
    r"|opprinnelig melding|videresendt (?:melding|meddelelse)|oprindelig meddelelse|original message|forwarded message"
    r"|alkuperäinen viesti|välitetty viesti|ursprüngliche nachricht|weitergeleitete nachricht|message d'origine"
    r")\s?[-_=* ]{2,20}"
    r"|(?:begin forwarded message|vidarebefordrat brev|vidarebefordrat meddelande|anfang der weitergeleiteten nachricht"
    r"|start på vidarebefordrat brev|videresendt besked|börjar vidarebefordrat meddelande):",
    re.IGNORECASE,
)
_WROTE = re.compile(r"(?<!\w)(?:skrev|wrote|writes|schrieb|kirjoitti|a écrit|escribió)(?!\w)", re.IGNORECASE)
_WHEN_OR_WHO = re.compile(r"\d{1,2}[:.]\d{2}|(?:19|20)\d{2}|@|\d{1,2}\. ?\w{3}")
_STARTS_ATTRIBUTION = re.compile(
    r"(?:den|på|on|am|le|el|lör|sön|mån|tis|ons|tors?|fre|man|tir|lør|søn)\.? .*\d"
    r"|\d{1,2}\.? \w{3,10}\.? (?:19|20)\d{2}",
    re.IGNORECASE,
)
_FROM = re.compile(r"\*?(?:från|from|fra|von|de|lähettäjä)\*?\s?:\*?\s?\S", re.IGNORECASE)
_HEAD_FIELD = re.compile(
    r"\*?(?:skickat|sent|sendt|gesendet|lähetetty|envoyé|datum|date|dato|päivämäärä|till|to|til|an|vastaanottaja|à|kopia"
    r"|cc|kopi|ämne|subject|emne|betreff|aihe|objet|reply-to)\*?\s?:",
    re.IGNORECASE,
)
_RULE = re.compile(r"[_\-=]{8,}")


def cut_quotes(text: str) -> tuple[str, str]:
    """
    (own text, quoted text) of *text*; every line goes to one of them.

    Answers between the quoted lines count as own. Below a separator, a block of header lines, an attribution without
    marked quotes, or the signature delimiter everything is quoted.
    """
    lines = text.split("\n")
    own: list[str] = []
    quoted: list[str] = []
    at = 0
    while at < len(lines):
        if _ends_own_text(lines, at):
            while own and (_RULE.fullmatch(own[-1].strip()) or not own[-1].strip()):
                own.pop()
            quoted += lines[at:]
            break
        length = _attribution_length(lines, at)
        if length:
            quoted += lines[at : at + length]
            at += length
            if not _next_is_marked(lines, at):
                quoted += lines[at:]
                break
        elif lines[at].startswith(">"):
            quoted.append(lines[at])
            at += 1
        else:
            own.append(lines[at])
            at += 1
    return "\n".join(own).strip("\n"), "\n".join(quoted).strip("\n")


def _ends_own_text(lines: list[str], at: int) -> bool:
    line = lines[at].strip()
    if lines[at] in ("-- ", "--"):  # RFC 3676 s. 4.3; the space is often lost
        return True
    if not line or len(line) > _LONGEST_ANCHOR:
        return False
    return bool(_SEPARATOR.fullmatch(line)) or _is_head_block(lines, at)


def _is_head_block(lines: list[str], at: int) -> bool:
    """A line "Från: ..." with two more header lines among the next six, as Outlook writes it."""
    if not _FROM.match(lines[at].strip()):
        return False
    following = (line.strip()[:60] for line in lines[at + 1 : at + 7])
    return sum(bool(_HEAD_FIELD.match(line)) for line in following) >= 2


def _attribution_length(lines: list[str], at: int) -> int:
    """How many lines from *at* are an attribution such as "Den 3 mars 2026 skrev X:"; 0 if none."""
    joined = ""
    for length in (1, 2, 3):
        if at + length > len(lines):
            break
        line = lines[at + length - 1].strip().lstrip("> ")
        joined = f"{joined} {line}".strip()
        if not line or len(joined) > _LONGEST_ANCHOR:
            break
        if joined.endswith(":") and _WROTE.search(joined) and _WHEN_OR_WHO.search(joined):
            return length
        if not (_STARTS_ATTRIBUTION.match(joined) or _WROTE.search(joined)):
            break
    return 0


def _next_is_marked(lines: list[str], at: int) -> bool:
    """Whether the next line with text, of the next twenty, begins with ">"."""
    return next((line.startswith(">") for line in lines[at : at + 20] if line.strip()), False)
