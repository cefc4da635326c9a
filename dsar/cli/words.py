"""
The short names of the program -> what they mean, for whoever reads them for the first time.

Effects: none.
"""

import re

from dsar.locale import _, tell_again

#: Right -> what is asked, with the article that gives it.
RIGHTS = {
    "access": "access (Art. 15)",
    "update": "update (Art. 16)",
    "erase": "erase (Art. 17)",
    "object": "object (Art. 21)",
    "restrict": "restrict (Art. 18)",
}

#: Flag of a case or mail -> why a person looks, and what for.
FLAGS = {
    "agent": "somebody writes for another person; see the mandate",
    "authority": "it comes from an authority; answer it as such",
    "auto_reply": "a machine answered",
    "bounce": "a mail server reports that a mail did not arrive",
    "bounced": "our letter came back; find another way to the person",
    "breach": "it tells of data in wrong hands; tell the data protection officer today (Art. 33)",
    "burst": "somebody asks for this person again and again",
    "check_failed": "a check of the identity by one of you failed",
    "clock_moved": "the same mail came earlier than was known; the time runs from then",
    "code_from_elsewhere": "a code came back from another address",
    "code_wrong": "a code came back that is wrong, late or used",
    "colleague_forward": "a colleague passed it on; nothing in it is proven",
    "complaint": "it complains, or names IMY or a court",
    "criminal_record": "a record looks like an extract from the criminal record; management was told",
    "deceased": "it is about somebody who has died",
    "extension_void": "the notice of the extension came back or left too late; the old date holds",
    "facts_wrong": "what the requester told did not fit",
    "follow_up": "the person has written again; read it",
    "follow_up_unknown_sender": "somebody unknown wrote about the case; read it before anything is erased",
    "fresh_contact": "the sender's address was changed lately; accounts are taken over that way",
    "hidden_text": "the mail hides text from its reader",
    "known_person_new_address": "somebody whom we know writes from an address that we do not",
    "late_answer": "a colleague told more while the letter was under way",
    "legal_person": "it asks for a company, which has no such rights",
    "list_relay": "a mailing list passed it on",
    "look_alike": "the address looks like another one, which it is not",
    "mail_failed": "a mail of the case never arrived",
    "may_have_bounced": "a mail came back that does not say which one it is about",
    "minor": "a child may be concerned",
    "near_address_on_file": "the sender's address is nearly, but not, the one on file",
    "no_reply": "the person was asked and has not answered in time",
    "no_single_contact": "no code was sent: several addresses fit, or one that several people read",
    "phrase_failed": "the pass-phrase did not reach the person",
    "poses_as_staff": "it bears the name of one of you, from an address that is not ours",
    "protected_identity": "protected identity: tell nobody, write no address, answer by post",
    "reminder": "the person asks where the answer is",
    "sender_mismatch": "the mail shows several senders, or answers would go elsewhere",
    "sent_out_of_turn": "a letter left that was called back; see the timeline",
    "several_cases": "other open cases are about the same person",
    "sms_failed": "a code by SMS did not leave, or nobody knows",
    "systems_disagree": "two systems have different addresses for the person",
    "task_remark": "a colleague adds something that only you can judge",
    "task_reply_from_elsewhere": "somebody who was not asked answers a question to a colleague",
    "threat": "it threatens, somebody or with a lawyer",
    "unclear": "no rule knows what it is",
    "withdrawn": "the person takes the request back; nothing goes on by itself",
}

#: How somebody proved to be the person -> the same in words.
METHODS = {
    "address_on_file": "address on file",
    "code": "code sent to an address on file",
    "sms_code": "code sent to a phone on file",
    "letter_code": "code posted to the address on file",
    "mandate": "mandate seen",
    "shared_facts": "facts that only both know",
    "call_back": "called back on the number on file",
    "shop_login": "asked while logged in to the web shop",
    "id_shown": "identity document or e-ID shown",
    "none": "nothing",
}

#: What the mail server says about the sender -> the same in words.
SENDERS = {
    "pass": "confirmed by our mail server",
    "fail": "not confirmed by our mail server: perhaps somebody else",
    "none": "not checked by our mail server",
}

#: Kind of identifier -> the same in words.
IDENTIFIERS = {
    "email": "e-mail address",
    "phone": "phone number",
    "personnummer": "personnummer",
    "national_id": "foreign personal number",
    "orgnr": "company number",
    "customer_no": "customer number",
    "username": "user name",
    "name": "name",
    "address": "street address",
    "order_no": "order or invoice number",
    "serial": "serial number",
}

#: How a sentence of a mail stands to what it names -> the same in words.
STANCES = {
    "wanted": "asked for",
    "doubtful": "perhaps asked for",
    "denied": "not wanted",
    "conditional": "threatened, or planned for later",
    "remembered": "asked for earlier",
    "status": "asked whether it was done",
    "asked": "asked how it works",
}

#: All tables above.
TABLES = (RIGHTS, FLAGS, METHODS, SENDERS, IDENTIFIERS, STANCES)

#: What makes a person sort a mail, and what is seen of its sender; kept in English, with values in the {places}.
DOUBTS = (
    "a person decides",
    "a machine answered, yet its text asks for something",
    "certain to {share} only",
    "it may be about business",
    "a list or a machine sent it",
    "somebody asks for another person",
    "it is about several persons",
    "the change has no value",
    "the sender failed authentication",
    "the sender is unknown",
    "it has boxes to tick",
    "it speaks of an earlier request",
    "it makes an exception",
    "it asks for a change and for an erasure",
    "the marketing stop goes on without a person (Art. 21(3))",
    "it is too long to be read by a machine",
    "its text and HTML say different things",
    "the language is {language}",
    "what is asked stands in an attachment",
    "nobody knows when the colleague got it",
    "the web form does not look as the settings say",
    "a field of the web form stands twice",
    "an attachment is protected by a password",
    "an attachment holds macros",
    "an attachment unpacks to far more than it should",
    "an attachment is an archive, which is not opened",
    "an attached PDF has no text, it is a scan or a picture",
    "an attachment is in an old file format, which is not read",
    "an attachment is broken",
    "an attachment is too large to be read",
    "an attachment is a picture or a recording, which is not read",
    "the mail is encrypted",
    "the mail is too long to be read whole",
    "winmail.dat is broken, or its text is in a form that is not read",
    "sorted by a person",
    "opened by {who}",
    "there are several From headers",
    "the From header names no one address",
    "answers would go to another address",
    "the display name shows another address",
    "the display name is of a member of staff, the address is not",
    "the address mixes scripts",
    "the domain looks like ours",
    "the domain looks like a known customer's",
    "the display name names us",
    "the display name is of an authority, the address is not",
    "a mailing list passed it on",
    "a colleague forwarded it: nothing is known about who wrote it",
    "a web form sent it: nothing is known about who filled it in",
    "a relay sealed its own findings (ARC), which are not believed",
    "signed by {domains}",
    "the mail cannot be read",
    "a signature could not be checked",
    "no signature is valid",
    "not signed",
)

#: A reason of triage: what it speaks of, the rule, and how the mail stands to it.
_REASON = re.compile(r"(?P<about>[\w ]+): (?P<rule>.+?)(?: \((?P<stance>[a-z]+)\))?")


def reason_told(reason: str) -> str:
    """A reason of triage, which is kept in English, as a reader understands it."""
    found = _REASON.fullmatch(reason)
    if found is None:
        return tell_again(reason)
    if found["about"] == "flags":
        return f"{_('Flags')}: {found['rule']}"
    about, rule, stance = found.groups()
    told = f"{_(RIGHTS.get(about, about))}: {tell_again(rule)}"
    return f"{told} ({_(STANCES.get(stance, stance))})" if stance else told


#: Short names that stand on the screen as they are: roles of mails, mandates, states of tasks, ways, words for records.
NAMES = (
    "accepted",
    "advokat",
    "agent",
    "answered",
    "follow_up",
    "god_man",
    "guardian",
    "late",
    "left out",
    "letter",
    "mail",
    "open",
    "origin",
    "person",
    "post",
    "power_of_attorney",
    "sms",
    "voice",
)
