"""Context: what the words beside a number say that it is.

A digit run alone is a telephone number as often as a bug or a page. The words are those
of a plain text (`assent.redact.fold`): no accents, any case.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from assent.redact import number_words
from assent.redact.spans import BARRIER, Kind
from assent.redact.vocabulary import (
    AFTERWARDS,
    EXACT,
    NO_HINT,
    PAIRS,
    PARTS,
    STEMS,
    Hint,
    Weight,
)

REACH = 56  # characters
"""No word further away than this says anything about a number."""
_AFTER = 24
_WORDS_BEFORE = 7
_NEAR = 5  # a strong word further away than this is a weak one
# Everything but blanks, digits and ASCII punctuation: Hindi vowel signs are no `\w`.
_LABEL = re.compile(r"(?<![A-Za-z0-9])[CFHMOPTW] ?[:.)] ?$", re.IGNORECASE)
_WORD = re.compile(r"[^\s\d!-/:-@\[-`{-~\0]+")

_KNOWN: dict[str, Hint] = {
    word: hint for hint, words in reversed(EXACT.items()) for word in words.split()
}


@lru_cache(maxsize=1 << 16)
def meaning(word: str) -> Hint:
    """Say what one lower-case word means beside a number."""
    known = _KNOWN.get(word)
    if known is not None:
        return known
    for hint, stems in STEMS.items():
        if word.startswith(stems):
            return hint
    if not word.isascii():
        for hint, parts in PARTS.items():
            if any(part in word for part in parts):
                return hint
    return NO_HINT


def before(text: str, start: int) -> Hint:
    """Read the words before a number: the nearest that says something surely.

    Args:
        text: a plain text.
        start: where the number starts, in characters.
    """
    floor = max(0, start - REACH)
    floor = max(floor, text.rfind(BARRIER, floor, start) + 1)
    words = _WORD.findall(text[floor:start].lower())
    if words and floor and text[floor].isalpha() and text[floor - 1].isalpha():
        del words[0]  # the end of a word: `hotel` is no `tel`
    hint = _nearest(words[: -_WORDS_BEFORE - 1 : -1])
    if not hint.weight and _LABEL.search(text, max(floor, start - 4), start):
        return Hint(Kind.PHONE, Weight.WEAK)
    return hint


def _nearest(words: Sequence[str]) -> Hint:
    weak = NO_HINT
    for distance, word in enumerate(words):
        if word in PAIRS:
            firsts, kind = PAIRS[word]
            if not firsts.isdisjoint(words[distance + 1 : distance + 3]):
                return Hint(kind, Weight.STRONG)
        hint = meaning(word)
        if hint.weight is Weight.NOTHING:
            continue
        if hint.weight is Weight.WEAK:
            weak = hint
        elif hint.kind is not Kind.PHONE or distance < _NEAR:
            return hint
        elif hint.weight is Weight.STRONG:
            return Hint(hint.kind, Weight.WEAK)
    return weak


# An extension belongs to its number: who reads it knows a desk.
_SAID = rf"(?:[0-9]{{2,6}}|(?:(?:{number_words.UNITS}|oh)[ -]?\b){{2,6}})"
_EXTENSION = re.compile(
    r"[ ,;]{0,2}(?:ext(?:n|ension)?\.?|x|durchwahl|dw|poste|anexo|ramal|доб\.?"
    r"|extensao|klapka|toestel|klappe|nebenstelle|apparat|app\.|interno|wewn\.?)"
    r"[ .:=]{0,2}[0-9]{1,6}(?![0-9])"
    r"| \((?:ext(?:n|ension)?\.?|durchwahl|dw|poste|klappe)[ .:]{0,2}[0-9]{1,6}\)"
    # What goes before it, said afterwards.
    r"|,? \(?(?:area|prefix|vorwahl|prefijo|indicatif|prefisso|country)(?: code)?"
    rf"[ :]{{1,2}}\(?(?:\+?[0-9]{{2,5}}(?![0-9])|{_SAID})\)?"
    # Pauses, and what is dialled after them: `,,4471#`.
    r"|(?:(?:,{2,4}|[,;](?=[0-9]{3,9}#))[0-9]{2,9}#?(?![0-9])){1,4}"
    rf"|,? (?:then|and(?: then)?) (?:ask|dial|press|enter)(?: [a-z]{{1,12}}){{0,4}}?"
    rf" {_SAID}",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"[ \-,(/\[\\]{0,3}([^\s\d!-/:-@\[-`{-~\0]+)")


_SENTENCE = re.compile(
    r" (?:is|was|are|ist|war|es|est|e) ((?:[A-Za-z]{1,16} ){0,3}[A-Za-z]{2,16})"
)


def extension(text: str, end: int) -> int:
    """Find where the extension after a number ends; `end` itself if there is none."""
    found = _EXTENSION.match(text, end, end + REACH)
    return found.end() if found else end


def after(text: str, end: int) -> Hint:
    """Read the words after a number: `650 253 0000 (home)`, `2530000 is my cell`."""
    found = _BESIDE.match(text, end, end + _AFTER)
    if found and found.group(1).lower() in AFTERWARDS:
        return Hint(Kind.PHONE, Weight.STRONG)
    found = _SENTENCE.match(text, end, end + REACH)
    if found:
        hint = _nearest(found.group(1).lower().split()[::-1])
        return hint if hint.weight is Weight.STRONG else NO_HINT
    return NO_HINT
