"""Beside: what stands next to a name and is a part of it.

`H. Ethel Slatterly`, `Fairbrother, Anna J. de`, `'Lotte' Charlotte Berg` and `Berg Jr.`
hold more than the directory lists: what is left of them would tell who it was.
"""

import re

_INITIAL = re.compile(r"(?<![\w.'&-])[A-Z]\.[ -]$")
_QUOTED = re.compile(r"[\"'«“„‘(]([^\W\d_]{3,})[\"'»”“’)] $")
_MIDDLE = re.compile(
    r"(?: ?[A-Z]\.(?!\w)){0,3}"
    r"(?: (?:v\. ?d\.|vd|van|von|vom|zu|de[nrsl]?|della|dos|da|di|du|la|las|los|ter))*"
    r"(?![\w'-]| [^\W\d_a-z])"
)
"""Initials and particles, behind a given name that stands behind the family name."""
_SUFFIX = re.compile(
    r",? (?:[JjSs]r|J[Rr]|S[Rr]|II|III|IV|Ph\.?D|M\.?D|D\.?D\.?S|Esq)(?![\w'-])\.?"
)
_OPENED = re.compile(r"(?:[<\[][A-Za-z]{1,6}[>\]] ?){1,3}$")
_CLOSED = re.compile(r"(?: ?[<\[]/[A-Za-z]{1,6}[>\]]){1,3}")
_BEFORE = 32


def widened(text: str, start: int, end: int) -> tuple[int, int]:
    """Give the span of a name with what belongs to it on either side.

    Args:
        text: folded.
        start: of the name.
        end: after it.
    """
    name = text[start:end]
    if "," in name and (middle := _MIDDLE.match(text, end)):
        end = middle.end()
    if suffix := _SUFFIX.match(text, end):
        # A dot at the end of a sentence stays with it.
        end = suffix.end() - (suffix[0][-1] == "." and text[suffix.end()] == "\n")
    if closed := _CLOSED.match(text, end) if "<" in name or "[" in name else None:
        end = closed.end()
    near = text[max(0, start - _BEFORE) : start]
    if near[-1:] in ("]", ">") and re.search(r"[<\[]/", name):
        if opened := _OPENED.search(near):  # what was opened outside is closed inside
            start -= len(near) - opened.start()
    elif near[-1:] in (" ", "-") and name[0].isupper():
        if before := _INITIAL.search(near):
            return start - len(near) + before.start(), end
        if (before := _QUOTED.search(near)) and _short(before[1], name):
            return start - len(near) + before.start(), end
    return start, end


def _short(nickname: str, name: str) -> bool:
    """Say whether a nickname is made of letters of a name: `Lotte` of `Charlotte`."""
    return nickname.lower() in name.lower()
