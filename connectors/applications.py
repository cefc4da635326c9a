"""
Text of a document -> whether it is, or tells of, an extract from the criminal record.

Effects: none. Art. 10 GDPR: "Processing of personal data relating to criminal convictions and offences ... shall be
carried out only under the control of official authority or when the processing is authorised by Union or Member State
law". A company may look at an extract that an applicant shows; one that lies among applications goes before management.
Too many are told rather than too few: a person looks at each.
"""

import re

#: What the column `criminal` of a document or a mail says of one; "" of any other.
EXTRACT = "utdrag ur belastningsregistret"

_REGISTER = re.compile(
    r"belastnings\-?\s?regist|misstankeregist|criminal[ -]record|rikoste?rekisteri|straffeattest", re.IGNORECASE
)
#: Who issues it (lag 1998:620 om belastningsregister 1 §), or the heading of the paper itself.
_ISSUED = re.compile(
    r"polismyndighet|rikspolisstyrelse|polisen\b|police|poliisi|politi(?:et)?\b|oikeusrekisterikeskus"
    r"|utdrag ur|extract from|certificate",
    re.IGNORECASE,
)


def criminal_record_in(*texts: str) -> str:
    """EXTRACT if one of *texts* (name and text of a document) is of one, else ""."""
    whole = "\n".join(texts)
    return EXTRACT if _REGISTER.search(whole) and _ISSUED.search(whole) else ""
