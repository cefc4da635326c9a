"""What of a mail its sender wrote: quotes, signatures and footers in sv, no, da, fi, en and de."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsar.mime import read_mail
from dsar.model import InboundMail

LETTER = "Hej,\nvi har mottagit din begäran. Ärende D-2026-00017.\nMvh Dataskydd"
MARKED = "\n".join("> " + line for line in LETTER.split("\n"))
DPO = "Dataskydd <dso@controller.example>"


def mail(text: str, content_type: str = "text/plain") -> InboundMail:
    head = f"From: anna@example.se\r\nContent-Type: {content_type}; charset=utf-8\r\n\r\n"
    return read_mail((head + text).encode())


def headed(*head: str) -> str:
    return "\n".join(head) + f"\n\n{LETTER}\n"


#: Name -> what stands below the answer; the answer is "SVAR" in each.
BELOW = {
    "gmail sv": f"Den tis 3 mars 2026 kl 10:12 skrev {DPO}:\n\n{MARKED}\n",
    "gmail sv wrapped": "Den tis 3 mars 2026 kl 10:12 skrev Dataskyddsombudet vid Controller AB\n"
    f"<dso@controller.example>:\n\n{MARKED}\n",
    "gmail en": f"On Tue, Mar 3, 2026 at 10:12 AM {DPO} wrote:\n\n{MARKED}\n",
    "gmail da": f"Den tirs. 3. mar. 2026 kl. 10.12 skrev {DPO}:\n\n{MARKED}\n",
    "gmail no": f"tir. 3. mars 2026 kl. 10:12 skrev {DPO}:\n\n{MARKED}\n",
    "gmail fi": f"ti 3. maalisk. 2026 klo 10.12 {DPO} kirjoitti:\n\n{MARKED}\n",
    "gmail de": f"Am Di., 3. März 2026 um 10:12 Uhr schrieb {DPO}:\n\n{MARKED}\n",
    "apple sv": f"3 mars 2026 kl. 10:12 skrev {DPO}:\n\n{MARKED}\n",
    "apple en": f"On 3 Mar 2026, at 10:12, {DPO} wrote:\n\n{MARKED}\n",
    "apple de": f"Am 03.03.2026 um 10:12 schrieb {DPO}:\n\n{MARKED}\n",
    "apple fi": f"Dataskydd kirjoitti 3.3.2026 kello 10.12:\n\n{MARKED}\n",
    "apple forward": headed("Vidarebefordrat brev:", "Från: D <d@x.se>", "Ämne: x", "Datum: 3 mars", "Till: a@x.se"),
    "iphone sv": f"Skickat från min iPhone\n\n> 3 mars 2026 kl. 10:12 skrev {DPO}:\n> \n{MARKED}\n",
    "thunderbird sv": f"Den 2026-03-03 kl. 10:12, skrev Dataskydd:\n{MARKED}\n",
    "thunderbird sv old": f"Dataskydd skrev den 2026-03-03 10:12:\n{MARKED}\n",
    "thunderbird no": f"Den 03.03.2026 10:12, skrev Dataskydd:\n{MARKED}\n",
    "thunderbird da": f"Den 03-03-2026 kl. 10:12 skrev Dataskydd:\n{MARKED}\n",
    "outlook sv plain": headed(f"Från: {DPO}", "Skickat: den 3 mars 2026 10:12", "Till: A <a@x.se>", "Ämne: SV: x"),
    "outlook sv bold": headed(
        "________________________________", f"Från: {DPO}", "Skickat: tisdag 3 mars 2026", "Till: a@x.se", "Ämne: Re: x"
    ),
    "outlook sv starred": headed(f"*Från:* {DPO}", "*Skickat:* den 3 mars 2026", "*Till:* a@x.se", "*Ämne:* x"),
    "outlook en": headed(f"From: {DPO}", "Sent: Tuesday, March 3, 2026 10:12 AM", "To: a@x.se", "Subject: RE: x"),
    "outlook no": headed(f"Fra: {DPO}", "Sendt: tirsdag 3. mars 2026 10:12", "Til: a@x.no", "Emne: SV: x"),
    "outlook da": headed(f"Fra: {DPO}", "Sendt: 3. marts 2026 10:12", "Til: a@x.dk", "Emne: SV: x"),
    "outlook fi": headed(f"Lähettäjä: {DPO}", "Lähetetty: tiistai 3. maaliskuuta", "Vastaanottaja: a@x.fi", "Aihe: x"),
    "outlook de": headed(f"Von: {DPO}", "Gesendet: Dienstag, 3. März 2026", "An: a@x.de", "Betreff: AW: x"),
    "original sv": headed("-----Ursprungligt meddelande-----", f"Från: {DPO}", "Skickat: den 3 mars"),
    "original en": headed("-----Original Message-----", f"From: {DPO}", "Sent: Tuesday"),
    "original no": headed("-----Opprinnelig melding-----", f"Fra: {DPO}"),
    "original da": headed("-----Oprindelig meddelelse-----", f"Fra: {DPO}"),
    "original fi": headed("-----Alkuperäinen viesti-----", f"Lähettäjä: {DPO}"),
    "original de": headed("-----Ursprüngliche Nachricht-----", f"Von: {DPO}"),
    "forwarded": headed("---------- Forwarded message ---------", "Från: Anna <anna@kund.example>", "Subject: x"),
    "delimiter": "-- \nAnna Öberg\nStorgatan 1\n",
    "pgp": "-----BEGIN PGP SIGNATURE-----\n\niQIzBAEBCAAdFiEE\n-----END PGP SIGNATURE-----\n",
    "android": "Skickades från min Samsung-enhet\n",
    "outlook app": "Hämta Outlook för iOS\n",
    "telephone en": "Sent from my iPhone\n",
    "telephone de": "Von meinem iPhone gesendet\n",
    "footer sv": "Detta e-postmeddelande kan innehålla konfidentiell information och är endast avsett för\n"
    "adressaten. Om du har fått det av misstag ber vi dig radera det.\n",
    "footer en": "This e-mail is confidential and intended solely for the recipient. Please delete it.\n",
    "footer no": "Denne e-posten er fortrolig og kun bestemt for mottakeren.\n",
    "footer de": "Diese E-Mail ist vertraulich und nur für den Empfänger bestimmt. Bitte löschen Sie sie.\n",
    "footer privacy": "När du kommunicerar med oss behandlar vi dina personuppgifter. Du har rätt till radering.\n",
}


@pytest.mark.parametrize("below", BELOW.values(), ids=BELOW.keys())
def test_own_text_is_the_answer(below: str) -> None:
    """And what stands below it is kept, as quoted."""
    read = mail(f"SVAR\n\n{below}")

    assert read.own_text == "SVAR"
    assert read.quoted_text.split()[-1] == below.rsplit(maxsplit=1)[-1]


@pytest.mark.parametrize(
    "signature",
    [
        "Med vänliga hälsningar\nAnna Öberg\n070-1234567",
        "Mvh Anna",
        "M.v.h.\nAnna",
        "Vänligen,\nAnna",
        "Med vennlig hilsen\nKari Nordmann",
        "Venlig hilsen Mette",
        "Ystävällisin terveisin\nMatti",
        "Best regards,\nJohn",
        "Mit freundlichen Grüßen\nHans",
    ],
)
def test_signature_stands_apart(signature: str) -> None:
    read = mail(f"SVAR\n\n{signature}\n")

    assert (read.own_text, read.signature, read.quoted_text) == ("SVAR", signature, "")


@pytest.mark.parametrize(
    "text",
    [
        "Hälsningar från Kiruna till er alla som läser detta långa brev",
        "Hej!\n\nSkicka till min nya adress på Storgatan 1",
        "Hej!\n\nDetta är konfidentiellt. Radera allt ni har om mig.",
        "Jag skrev den 3 mars till er: ni har inte svarat.\n\nNu vill jag ha ett besked.",
        "Från: nu vill jag inte ha reklam.\n\nRadera mig.",
        "Detta meddelande är konfidentiellt och endast avsett för mottagaren: radera mig.",
    ],
)
def test_what_only_looks_like_an_anchor_is_own(text: str) -> None:
    assert mail(text).own_text == text


def test_answers_between_quotes_are_own() -> None:
    """Below the attribution, in the order they were written."""
    text = (
        f"Hej, se svar nedan.\n\nDen tis 3 mars 2026 kl 10:12 skrev {DPO}:\n\n"
        "> Vill du ha ett utdrag?\nJa, tack.\n> Ska vi radera efteråt?\nJa, allt.\n> Mvh Dataskydd\n"
    )

    assert mail(text).own_text == "Hej, se svar nedan.\n\n\nJa, tack.\nJa, allt."


def test_answer_below_the_quote_is_own() -> None:
    assert mail(f"{MARKED}\n\nSVAR\n").own_text == "SVAR"


@pytest.mark.parametrize(
    "quote",
    [
        (
            '<div class="gmail_quote">Den tis 3 mars 2026 kl 10:12 skrev D &lt;d@x.se&gt;:<br>'
            "<blockquote>Hej,<br>radera?</blockquote></div>"
        ),
        (
            "<hr><div><b>Från:</b> D &lt;d@x.se&gt;<br><b>Skickat:</b> den 3 mars<br><b>Till:</b> a@x.se<br>"
            "<b>Ämne:</b> x</div><div>Hej, radera?</div>"
        ),
        '<blockquote type="cite"><div>3 mars 2026 kl. 10:12 skrev D &lt;d@x.se&gt;:</div>radera?</blockquote>',
        '<div class="moz-cite-prefix">Den 2026-03-03 kl. 10:12, skrev D:</div><blockquote>radera?</blockquote>',
    ],
    ids=["gmail", "outlook", "apple", "thunderbird"],
)
def test_quotes_in_html(quote: str) -> None:
    read = mail(f"<html><body><div>SVAR</div>{quote}</body></html>", "text/html")

    assert read.own_text == "SVAR"
    assert "radera?" in read.quoted_text


LINES = st.sampled_from(
    [*(line for below in BELOW.values() for line in below.split("\n")), "SVAR", "", "> SVAR", "Mvh", ">", "_" * 40]
)


@given(st.lists(LINES, max_size=40))
def test_no_line_is_lost(lines: list[str]) -> None:
    """Each line of the text stands in exactly one of the three."""
    read = mail("\n".join(lines))

    three = [line for part in (read.own_text, read.signature, read.quoted_text) for line in part.split("\n")]
    assert sorted(filter(str.strip, three)) == sorted(filter(str.strip, read.text.split("\n")))


@pytest.mark.parametrize(
    "unit",
    [
        "On ",
        "Den ",
        "On 1\n",
        "> wrote 1\n",
        "From: x\n",
        "Från: x\nTill: y\n",
        "On 2026 wrote 10:10:\n> x\n",
        "_" * 9 + "\n",
        "Skickat från min iPhone\n",
        "\n",
        "x\n",
        "Mvh\n",
        "begin 644 x\n",
        "-- x\n",
        f"{BELOW['footer en']}\n",
    ],
)
@pytest.mark.parametrize("before", ["", "x\n" * 100_000])
def test_cutting_takes_linear_time(unit: str, before: str) -> None:
    """Public libraries hang for ever on 60 kB of "On On On"."""
    text = before + unit * (400_000 // len(unit))
    begun = time.process_time()
    mail(text)

    assert time.process_time() - begun < 3
