"""
The record of how a case was handled -> Markdown, for the supervisory authority.

Effects: reads the template. Beside the letters: nobody rewords it, for it proves something about the company.
"""

import re
from collections.abc import Mapping

from dsar.letters.environment import Templates
from dsar.lifecycle import Outcome, State
from dsar.model import Controller, Disposition, LetterKind, Requester, Right, Text

#: Kind of name -> name -> what to call it; a name that is missing stands as it is.
WORDS: Mapping[str, Mapping[str, Text]] = {
    "right": {
        Right.ACCESS: Text(sv="tillgång (artikel 15)", en="access (Article 15)"),
        Right.UPDATE: Text(sv="rättelse (artikel 16)", en="rectification (Article 16)"),
        Right.ERASE: Text(sv="radering (artikel 17)", en="erasure (Article 17)"),
        Right.RESTRICT: Text(sv="begränsning (artikel 18)", en="restriction (Article 18)"),
        Right.OBJECT: Text(sv="invändning (artikel 21)", en="objection (Article 21)"),
    },
    "state": {
        Outcome.FULFILLED: Text(sv="uppfylld", en="fulfilled"),
        Outcome.PARTLY: Text(sv="delvis uppfylld", en="partly fulfilled"),
        Outcome.NOTHING_FOUND: Text(sv="inga uppgifter fanns", en="no data were held"),
        Outcome.REFUSED: Text(sv="avslagen", en="refused"),
        Outcome.UNIDENTIFIED: Text(sv="identiteten kunde inte bekräftas", en="identity could not be confirmed"),
        Outcome.WITHDRAWN: Text(sv="återkallad", en="withdrawn"),
        Outcome.NOT_A_REQUEST: Text(sv="ingen begäran", en="not a request"),
        Outcome.MERGED: Text(sv="fortsatte i ett annat ärende", en="went on in another case"),
        **{state: Text(sv=f"öppen ({state})", en=f"open ({state})") for state in State if state is not State.CLOSED},
    },
    "requester": {
        Requester.SELF: Text(sv="personen själv", en="the person"),
        Requester.AGENT: Text(sv="ett ombud", en="an agent"),
        Requester.PARENT: Text(sv="en vårdnadshavare", en="a parent"),
        Requester.ESTATE: Text(sv="ett dödsbo", en="an estate"),
        Requester.EMPLOYER: Text(sv="en arbetsgivare", en="an employer"),
        Requester.SERVICE: Text(sv="en tjänst", en="a service"),
        Requester.COLLEAGUE_FORWARD: Text(sv="en medarbetare skickade vidare", en="a colleague passed it on"),
        Requester.WEB_FORM: Text(sv="ett webbformulär", en="a web form"),
    },
    "method": {
        "none": Text(sv="ingen kontroll", en="no check"),
        "address_on_file": Text(sv="adress som redan fanns hos oss", en="an address on file"),
        "code": Text(sv="kod till en uppgift som redan fanns hos oss", en="a code sent to a contact point on file"),
        "shared_facts": Text(sv="uppgifter som bara kunden känner till", en="facts that only the customer knows"),
        "call_back": Text(sv="motringning", en="a call back"),
        "shop_login": Text(sv="inloggning i butiken", en="log-in to the shop"),
        "id_shown": Text(sv="visad legitimation", en="an ID that was shown"),
        "letter_code": Text(sv="kod per brev", en="a code by letter"),
        "sms_code": Text(sv="kod per sms", en="a code by text message"),
        "mandate": Text(sv="visad behörighet att företräda personen", en="a mandate that was shown"),
    },
    "mail": {
        Disposition.REQUEST: Text(sv="begäran", en="request"),
        Disposition.FOLLOW_UP: Text(sv="uppföljning", en="follow-up"),
        Disposition.QUESTION: Text(sv="fråga", en="question"),
        Disposition.NOT_REQUEST: Text(sv="ingen begäran", en="not a request"),
        Disposition.BOUNCE: Text(sv="studs", en="bounce"),
        Disposition.AUTO_REPLY: Text(sv="autosvar", en="automatic reply"),
        Disposition.AUTHORITY: Text(sv="myndighet", en="authority"),
        Disposition.UNCLEAR: Text(sv="oklart", en="unclear"),
        Disposition.INTERNAL: Text(sv="internt", en="internal"),
        "copy": Text(sv="kopia", en="copy"),
        "answer": Text(sv="svar på kod", en="answer to a code"),
        "recipient": Text(sv="mottagare av uppgifterna", en="recipient of the data"),
        "stranger": Text(sv="annan avsändare", en="another sender"),
    },
    "letter": {
        LetterKind.ACKNOWLEDGEMENT: Text(sv="mottagningsbekräftelse", en="acknowledgement"),
        LetterKind.ACCESS_ANSWER: Text(sv="svar på begäran om tillgång", en="answer to an access request"),
        LetterKind.NOTHING_FOUND: Text(sv="svar: inga uppgifter", en="answer: no data"),
        LetterKind.REFUSAL: Text(sv="avslag", en="refusal"),
        LetterKind.EXTENSION: Text(sv="besked om förlängd tid", en="notice of extension"),
        LetterKind.UNIDENTIFIED: Text(sv="svar: identiteten ej bekräftad", en="answer: identity not confirmed"),
        LetterKind.IDENTITY_CHECK: Text(sv="fråga om identitet", en="identity check"),
        LetterKind.IDENTITY_REMINDER: Text(sv="påminnelse om identitet", en="reminder of the identity check"),
        LetterKind.CLARIFICATION: Text(sv="fråga om vad som önskas", en="question about what is wanted"),
        LetterKind.MANDATE_REQUEST: Text(sv="fråga om fullmakt", en="request for a mandate"),
        LetterKind.DECEASED: Text(sv="svar om en avliden", en="answer about a deceased person"),
        LetterKind.QUESTION: Text(sv="fråga", en="question"),
        LetterKind.UPDATE_DONE: Text(sv="besked om rättelse", en="notice of rectification"),
        LetterKind.UPDATE_REFUSED: Text(sv="avslag på rättelse", en="refusal of rectification"),
        LetterKind.ERASURE_DONE: Text(sv="besked om radering", en="notice of erasure"),
        LetterKind.ERASURE_PARTLY: Text(sv="besked om delvis radering", en="notice of partial erasure"),
        LetterKind.OBJECTION_DONE: Text(sv="besked om stoppad användning", en="notice of stopped use"),
        LetterKind.CONSENT_WITHDRAWN: Text(sv="besked om återkallat samtycke", en="notice of withdrawn consent"),
        LetterKind.NOT_REQUEST: Text(sv="svar: ingen begäran", en="answer: not a request"),
        LetterKind.RESTRICTION_DONE: Text(sv="besked om begränsning", en="notice of restriction"),
        LetterKind.RECIPIENT_NOTICE: Text(sv="meddelande till mottagare", en="notice to a recipient"),
        LetterKind.CONTACT_CHANGED_NOTICE: Text(sv="besked till tidigare adress", en="notice to the former address"),
        LetterKind.IDENTITY_WARNING: Text(sv="varning till den som begäran gäller", en="warning to whom it is about"),
        LetterKind.PASS_PHRASE: Text(sv="lösenfras", en="pass-phrase"),
    },
    "sending": {
        "held": Text(sv="väntar", en="waiting"),
        "ready": Text(sv="klart att skickas", en="ready to be sent"),
        "sending": Text(sv="skickas", en="being sent"),
        "sent": Text(sv="skickat", en="sent"),
        "uncertain": Text(sv="oklart om det kom fram", en="uncertain"),
        "failed": Text(sv="kom inte fram", en="failed"),
        "recalled": Text(sv="återkallat", en="recalled"),
        "accepted": Text(sv="e-postservern tog emot det", en="the mail server took it"),
        "found_in_sent": Text(sv="låg i mappen för skickat", en="it lay in the sent folder"),
        "person": Text(sv="en medarbetare", en="a member of staff"),
    },
    "notice": {
        "prepared": Text(sv="inte godkänt än", en="not approved yet"),
        "approved": Text(sv="klart att skickas", en="ready to be sent"),
        "sent": Text(sv="skickat", en="sent"),
        "answered": Text(sv="besvarat", en="answered"),
        "confirmed": Text(sv="bekräftat av mottagaren", en="confirmed by the recipient"),
        "bounced": Text(sv="kom inte fram", en="came back"),
        "silent": Text(sv="inget svar efter påminnelser", en="no answer after reminders"),
        "left_out": Text(sv="inte lämnat", en="not given"),
    },
    "duty": {
        "erase_later": Text(sv="radera senare", en="erase later"),
        "by_hand": Text(sv="göra för hand", en="do by hand"),
        "verify_again": Text(sv="titta efter igen", en="look again"),
        "do_not_restore": Text(sv="återställs inte från säkerhetskopior", en="not to be restored from backups"),
        "restriction": Text(sv="se över begränsning", en="review the restriction"),
    },
}


def record_markdown(record: object, *, controller: Controller, language: str) -> str:
    """
    *record*, a casework.proving.HandlingRecord, as a document in Swedish ("sv") or English ("en").

    Every value in it is escaped, as in letters (P10).
    """
    filled = Templates(language).fill(
        f"{language}/_record.md.j2", {"record": record, "controller": controller, "words": WORDS}
    )
    return re.sub(r"\n{3,}", "\n\n", filled).strip() + "\n"
