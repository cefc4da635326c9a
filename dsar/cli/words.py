"""
The short names of the program -> what they mean, for whoever reads them for the first time.

Effects: none.
"""

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
    "open",
    "origin",
    "person",
    "power_of_attorney",
    "sms",
    "voice",
)
