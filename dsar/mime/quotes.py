"""
Text of a mail -> what its sender wrote, the signature, and the rest: quoted mail and legal footers.

Effects: none. Line by line with plain comparisons, hence linear; the public libraries miss most Swedish forms and hang
on a repeated "On". Anchors are Swedish, Norwegian, Danish, Finnish, German, French and English.
"""

import re
from typing import NamedTuple

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
#: A text with none of them attributes nothing to anybody, and most texts have none.
_WROTE_WORDS = ("skrev", "wrote", "writes", "schrieb", "kirjoitti", "écrit", "escribió")
_WHEN_OR_WHO = re.compile(r"\d{1,2}[:.]\d{2}|(?:19|20)\d{2}|@|\d{1,2}\. ?\w{3}")
_STARTS_ATTRIBUTION = re.compile(
    r"(?:den|på|on|am|le|el|lör|sön|mån|tis|ons|tors?|fre|man|tir|lør|søn)\.? .*\d"
    r"|\d{1,2}\.? \w{3,12}\.? (?:19|20)\d{2}",
    re.IGNORECASE,
)
_FROM = re.compile(r"\*?(?:från|from|fra|von|de|lähettäjä)\*?\s?:\*?\s?\S", re.IGNORECASE)
_HEAD_FIELD = re.compile(
    r"\*?(?:skickat|sent|sendt|gesendet|lähetetty|envoyé|datum|date|dato|päivämäärä|till|to|til|an|vastaanottaja|à|kopia"
    r"|cc|kopi|ämne|subject|emne|betreff|aihe|objet|reply-to)\*?\s?:",
    re.IGNORECASE,
)
_RULE = re.compile(r"[_\-=]{8,}")


_SIGN_OFF = re.compile(
    r"(?:(?:med |de )?(?:vänlig[at]?|bästa|varma|goda|soliga|många|hjärtliga|vennlig|venlig|beste?|kærlig|mange)[ ,]*)?"
    r"(?:hälsning(?:ar)?|hälsn\.?|hilsen|hilsner)(?: från)?"
    r"|m\.?\s?v\.?\s?h\.?|vh|d\.?s\.?|högaktningsfullt|vänligen|hälsar"
    r"|(?:(?:kind|best|warm|warmest|many) )?regards|(?:yours )?(?:sincerely|faithfully|truly)|best(?: wishes)?|cheers"
    r"|(?:mit )?(?:freundlichen|besten|herzlichen|lieben) grüßen|(?:viele|liebe|beste|herzliche) grüße|hochachtungsvoll"
    r"|mfg|(?:ystävällisin |parhain )?terveisin|t\.|cordialement",
    re.IGNORECASE,
)
#: A signature is short: so many lines, so many characters in each.
_SIGNATURE_LINES = 10
_SIGNATURE_WIDTH = 80
_SENT_FROM = re.compile(
    r"(?:skickat|skickades|sent|sendt|gesendet|lähetetty)\b.{0,20}?\b(?:från|from|fra|via|mit|von)\b.{0,60}"
    r"|von meinem .{2,40} gesendet|lähetetty .{2,40}(?:sta|stä|lta|ltä)|(?:hämta|get|hent)\b.{0,10}\boutlook\b.{0,30}",
    re.IGNORECASE,
)
#: What a company's mail server adds below every mail: all three of these in one paragraph, or one of those notices.
_THIS_MAIL = re.compile(
    r"(?:detta|denna|dette|denne|this|diese|tämä|the|die)\b.{0,40}?\b(?:e-?post|mail|e-?mail|meddelande|message"
    r"|information|melding|meldingen|besked|meddelelse|nachricht|viesti|sähköposti)",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"confidential|konfidenti|fortrolig|vertraulich|luottamuksel|sekretess|privileged|hemlig", re.IGNORECASE
)
_ADDRESSEE = re.compile(
    r"recipient|addressee|intended|mottagar|adressat|avsedd?|mottaker|modtager|bestemt for|empfänger|vastaanottaja"
    r"|in error|av misstag|ved en feil|ved en fejl|irrtümlich",
    re.IGNORECASE,
)
_NOTICE = re.compile(
    r"när du (?:kommunicerar|mejlar|mailar|skickar e-?post|kontaktar oss)|when you (?:communicate|contact us)"
    r"|så behandlar vi|läs mer om hur vi behandlar|information om (?:hur vi behandlar|vår behandling)"
    r"|(?:please )?consider the environment|tänk på miljön|spara på miljön|virus-?(?:free|fri)"
    r"|detta (?:mail|e-?post(?:meddelande)?|meddelande) (?:har|är) (?:skannat|kontrollerat|virus)",
    re.IGNORECASE,
)
_PGP_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"


class Cut(NamedTuple):
    """A text in three; every line of it is in one of them."""

    own: str
    signature: str
    quoted: str


def cut_text(text: str) -> Cut:
    """
    What of *text* its sender wrote, how he signed, and what he quotes.

    Answers between the quoted lines count as own. Below a separator, a block of header lines, an attribution without
    marked quotes, or the signature delimiter everything is quoted. Legal footers and a telephone's advertisement count
    as quoted, too: nobody wrote them.
    """
    lowered = text.casefold()
    own, quoted = _cut_quotes(text.split("\n"), attributes=any(word in lowered for word in _WROTE_WORDS))
    own, footers = _cut_footers(own)
    at = _signature_start(own)
    parts = ("\n".join(lines).strip("\n") for lines in (own[:at], own[at:], [*footers, *quoted]))
    return Cut(*parts)


def _cut_quotes(lines: list[str], *, attributes: bool) -> tuple[list[str], list[str]]:
    own: list[str] = []
    quoted: list[str] = []
    at = 0
    while at < len(lines):
        if _ends_own_text(lines, at):
            end = len(own)
            while end and (_RULE.fullmatch(own[end - 1].strip()) or not own[end - 1].strip()):
                end -= 1
            return own[:end], [*quoted, *own[end:], *lines[at:]]
        length = _attribution_length(lines, at) if attributes else 0
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
    return own, quoted


def _cut_footers(lines: list[str]) -> tuple[list[str], list[str]]:
    """Take the footers off the end of *lines*, paragraph by paragraph; the first paragraph is never one."""
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    end = len(lines)
    while end > first + 1:
        last = lines[end - 1].strip()
        if not last or _RULE.fullmatch(last) or _is_sent_from(last):
            end -= 1
            continue
        start = _paragraph_start(lines, end)
        if start <= first or not _is_footer(lines[start : min(end, start + 12)]):
            break
        end = start
    return lines[:end], lines[end:]


def _paragraph_start(lines: list[str], end: int) -> int:
    start = end
    while start and lines[start - 1].strip() and not _RULE.fullmatch(lines[start - 1].strip()):
        start -= 1
    return start


def _is_sent_from(line: str) -> bool:
    return len(line) < _SIGNATURE_WIDTH and _SENT_FROM.fullmatch(line.strip("()")) is not None


def _is_footer(paragraph: list[str]) -> bool:
    text = " ".join(paragraph)[:800].strip(" *_-")
    return bool(_NOTICE.match(text) or (_SECRET.search(text) and _ADDRESSEE.search(text) and _THIS_MAIL.search(text)))


def _signature_start(lines: list[str]) -> int:
    """Index of the line on which the signature begins: a sign-off of its own, not far above the end."""
    texts = [at for at, line in enumerate(lines) if line.strip()]
    for at in reversed(texts[1:][-_SIGNATURE_LINES:]):
        line = lines[at].strip()
        if len(line) > _SIGNATURE_WIDTH:
            break
        found = _SIGN_OFF.match(line)
        if found and len(line[found.end() :].split()) <= 3 and not line.endswith(("?", ":")):
            return at
    return len(lines)


def _ends_own_text(lines: list[str], at: int) -> bool:
    if lines[at].startswith(">"):  # no anchor begins so, and most lines of a long mail do
        return False
    line = lines[at].strip()
    if lines[at] in ("-- ", "--", _PGP_SIGNATURE):  # RFC 3676 s. 4.3; the space is often lost
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
