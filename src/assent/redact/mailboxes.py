"""Mailboxes named without a domain: `my gmail is ...`, `name = ..., domain = ...`.

A provider's name beside a word that looks like a login is an address to every reader.
"""

import re
from collections.abc import Iterator

from assent.redact import disguise_words as words
from assent.redact.spans import Found, Kind

_NAMES = sorted(words.SURE_PROVIDERS)
_PROVIDERS = "|".join(_NAMES)
_LOGIN = r"[a-z][\w.+-]{2,38}\w"
_AFTER = re.compile(
    rf"(?<!\w)(?:{_PROVIDERS})"
    r"(?: (?:address|adresse|account|konto|mail|id|name|correo))?"
    rf"(?: ?[:=]| (?:is|ist|es|est|e))? ({_LOGIN})(?![\w@]|[.-]\w)",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    rf"(?<![\w.@+-])({_LOGIN}) (?:{words.IN}) (?:{_PROVIDERS})(?![\w.-])",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"(?:(?:^|\W)(?:my|mein|meine|mi|mon|mijn|meu|min|i am|i'm|me|ich bin"
    r"|under|unter|as)"
    r"|e?-?mail|contact|reach|write|address)[^\n\0.?!]{0,20}$",
    re.IGNORECASE,
)
_OWN_CHARACTERS = 32
_HOSTS = "domain|host ?name|domane|dominio"
_SAYS_HOST = ("domain", "host", "domane", "dominio")  # one of them is in every host
_PARTS = re.compile(
    r"(?:user(?:name)?|name|login|local ?part|mailbox)[\"']? ?(?:=|:|is) ?[\"']?"
    rf"([\w.+-]{{2,40}}[\"']?[ ,;]{{1,3}}(?:and )?(?:the )?(?:{_HOSTS})"
    r"[\"']? ?(?:=|:|is) ?[\"']?[\w-]{1,63}(?:\.[\w-]{1,63}){1,4})",
    re.IGNORECASE,
)
# Without a name for the login, which must look like one, or is said to be one.
_HOSTED = re.compile(
    rf"(?<![\w.@+-])({_LOGIN})(?:,| and| on| at) (?:the |my )?(?:{_HOSTS}|host)"
    rf"(?: is|:| =)? (?:[\w-]{{1,63}}\.){{1,4}}(?:{'|'.join(sorted(words.ENDINGS))})\b",
    re.IGNORECASE,
)
_USER = re.compile(r"\b(?:user(?:name)?|login|mailbox) $", re.IGNORECASE)
_VERSION = re.compile(
    r"v?[0-9.]+|.*\.(?:com|net|org|de|fr|html?|php|txt|js)", re.IGNORECASE
)


def mailboxes(text: str) -> Iterator[Found]:
    """Find logins beside the name of a provider of mail, and addresses in two parts."""
    lower = text.lower()  # a search for what is not there costs more than to ask
    if any(name in lower for name in _NAMES):
        yield from _beside_provider(text)
    if any(name in lower for name in _SAYS_HOST):
        for found in _PARTS.finditer(text):
            yield *found.span(1), Kind.EMAIL
        for found in _HOSTED.finditer(text):
            before = text[max(0, found.start() - _OWN_CHARACTERS) : found.start()]
            if _is_login(found[1]) or _USER.search(before):
                yield *found.span(), Kind.EMAIL


def _beside_provider(text: str) -> Iterator[Found]:
    for found in _AFTER.finditer(text):
        named = ":" in found.group() or "=" in found.group()
        if _is_login(found[1]) and (named or _is_own(text, found.start())):
            yield *found.span(1), Kind.EMAIL
    for found in _BEFORE.finditer(text):
        if _is_login(found[1]) and _is_own(text, found.start()):
            yield *found.span(), Kind.EMAIL


def _is_login(word: str) -> bool:
    inner = word[1:-1]
    mixed = any(map(str.isdecimal, word)) or "_" in inner or "." in inner
    return mixed and not _VERSION.fullmatch(word)


def _is_own(text: str, start: int) -> bool:
    before = text[max(0, start - _OWN_CHARACTERS) : start]
    return _OWN.search(before) is not None
