"""Links without a scheme: `linkedin.com/in/anna`, but not `linkedin.com` alone."""

import re
from collections.abc import Iterator

from assent.redact.disguise_words import ENDINGS, PLAIN_ENDINGS
from assent.redact.links import link_end
from assent.redact.spans import Found, Kind


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SHORT = _set(
    "t.me wa.me m.me fb.me about.me youtu.be linktr.ee bit.ly discord.gg goo.gl g.page"
    " twitch.tv g.co t.co lnkd.in telegram.me line.me paypal.me discord.me vk.me ask.fm"
    " last.fm instagr.am"
)
ENDS_OF_HOSTS = ENDINGS | {each.rpartition(".")[2] for each in _SHORT}
_TAIL = re.compile(
    rf"\.(?:{'|'.join(sorted(ENDS_OF_HOSTS))})(?::[0-9]{{2,5}})?"
    r"[/?](?=[\w@~?#!%-])[^\s<>\"\0]*",
    re.IGNORECASE,
)
_HOST = frozenset("-.")
_HOST_CHARACTERS = 253  # RFC 1035
_INSIDE = frozenset("/@\\:_%&=+#~")  # of a link, an address or a path


def bare(text: str) -> Iterator[Found]:
    """Find links that name a host and something on it; `text` as `fold` leaves it."""
    for tail in _TAIL.finditer(text):
        start = at = tail.start()
        floor = max(0, at - _HOST_CHARACTERS)
        while start > floor and (text[start - 1].isalnum() or text[start - 1] in _HOST):
            start -= 1
        while start < at and not text[start].isalnum():
            start += 1
        if start == at or (start and text[start - 1] in _INSIDE):
            continue
        host, _, _ = text[start : tail.end()].lower().partition("/")
        ending = host.partition("?")[0].partition(":")[0].rpartition(".")[2]
        if ending in PLAIN_ENDINGS or host.removeprefix("www.") in _SHORT:
            yield start, link_end(text, at, tail.end()), Kind.URL
