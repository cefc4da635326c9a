"""
Staff's words about the law that a refusal rests on -> the article, by which refusals are counted.

Effects: none.
"""

import re

_ARTICLE = re.compile(
    r"\b(?:art(?:ikel|icle|\.)?\s*)?(?P<article>1[2-9]|2[0-3])\s*[.(]\s*(?P<paragraph>\d)\s*\)?"
    r"(?:\s*\(?(?P<point>[a-f])\b\)?)?",
    re.IGNORECASE,
)


def article_of(legal_ground: str) -> str:
    """
    The article of the GDPR that staff's words name first, as "12(5)" or "17(3)(b)"; "" if they name another law.

    Statistics count refusals by it; the words themselves are sealed.
    """
    found = _ARTICLE.search(legal_ground)
    if found is None:
        return ""
    point = f"({found['point'].lower()})" if found["point"] else ""
    return f"{found['article']}({found['paragraph']}){point}"
