"""
The use cases: the only place where the stages are joined. Each loads, calls a stage, asks lifecycle for the next
state, saves.

Effects: through the store, vault, connectors, inbox and outbox it is given. Files in the order of the flow:

    context      what every use case works with
    intake       mail stored and sorted             thread      copies, bounces, follow-ups
    opening      cases and their requests           sorting     a person's triage
    identifying  who asks                           challenging a sender in doubt asked, a code sent
    confirming   a code that came back              searching   what the systems hold
    verifying    checks, facts and codes by staff   representing mandates, and their principals
    noticing     changed contact details told to the old address
    texting      the same by SMS                    protecting   people with protected identity
    facts        what a letter may say              answering   drafts
    planning     what would be done                 correcting  a person's word on it, a system's refusal
    tying        what is emptied and not erased     changing    the approved plan, carried out and read back
    duties       what is owed later                 fulfilling  on its day, unless freezing says to wait
    jobs         what a system does later            traces      what of the rest tells a person
    replaying    after a restored backup            removing    one record by its key alone
    recipients   told of a change (Art. 19)         suppressing who wants no marketing
    approving    a person's approval                sending     outbox to mail server, exactly once
    views        what staff see
"""
