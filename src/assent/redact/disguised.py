"""Personal data written so that no pattern finds it: `anna [at] example (dot) com`.

Links without a scheme are found here too.

Lines that hold a trace of a disguise are picked out of the whole text by one automaton
(RE2, linear in any text); what is found is decided on these few lines only.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

from assent.redact import (
    alphabets,
    bare_links,
    links,
    machines,
    numbers,
    spelled,
    spoken,
)
from assent.redact.disguise_gate import Block, blocks
from assent.redact.disguised_addresses import addresses
from assent.redact.fold import SEPARATOR
from assent.redact.mailboxes import mailboxes
from assent.redact.rewriting import View, decoded, joined, signed
from assent.redact.spans import Found, Kind, Stretch


def find(text: str, over: Iterable[Stretch] = ()) -> Iterator[Found]:
    """Find what was disguised in a plain text of many; spans may overlap.

    Args:
        text: as `fold` and `skeleton` leave it; no span passes `BARRIER`.
        over: links that are found already, sorted and apart: nothing begins in them.
    """
    for block in blocks(text, over):
        for start, end, kind in _in_block(text[block.start : block.end], block):
            yield block.start + start, block.start + end, kind


def _in_block(text: str, block: Block) -> Iterator[Found]:
    view = View.of(text)
    if block.address or block.words:
        view = alphabets.letters(view)
    if block.address:
        view = signed(joined(decoded(view)))
        for start, end, kind in addresses(view):
            yield *view.original(start, end), kind
        yield from mailboxes(text)
        yield from _in_base64(text)
    if block.links:
        yield from bare_links.bare(text)
    if block.words:
        yield from spoken.spelled(text)
        yield from machines.said(text)
    if block.digits:
        yield from spelled.glued(text)
        yield from spelled.accounts(text)
        yield from spelled.cards(text)
        yield from machines.machines(text)
        view = spelled.digits(view)
    for start, end, kind in _plainly(view):
        yield *view.original(start, end), kind


_LINK = re.compile(
    r"@|://|w[Ww]{2}\.|W[Ww]{2}\.|\.[0-9]{1,3}\.[0-9]{1,3}\.|:[0-9A-Fa-f]{0,4}:"
)
"""In each link; most rewritten text has none."""


def _plainly(view: View) -> Iterator[Found]:
    """Read the rewritten text as any other, and keep what the rewriting uncovered."""
    if 1 not in view.changed:
        return
    fenced = f"{SEPARATOR}{view.text}{SEPARATOR}"
    detectors = [links.find] if _LINK.search(fenced) else []
    if sum(map(view.text.count, "0123456789")) >= spoken.FEWEST_DIGITS:
        detectors += [numbers.find, spelled.cards]
    for find_plain in detectors:
        for start, end, kind in find_plain(fenced):
            start, end = start - len(SEPARATOR), end - len(SEPARATOR)
            if kind is not Kind.QUOTE and view.is_changed(start, end):
                yield start, end, kind


_BASE64 = re.compile(r"(?<![\w+/])[A-Za-z0-9+/]{16,1024}={0,2}(?![\w+/=])")


def _in_base64(text: str) -> Iterator[Found]:
    """Find words that are an e-mail or web address in base64."""
    for found in _BASE64.finditer(text):
        code = found.group()
        try:
            plain = base64.b64decode(code + "=" * (-len(code) % 4)).decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            continue  # a long word, or a code for something else
        for _, _, kind in links.find(f"{SEPARATOR}{plain}{SEPARATOR}"):
            if plain.isprintable() and kind in (Kind.EMAIL, Kind.URL):
                yield found.start(), found.end(), kind
                break
