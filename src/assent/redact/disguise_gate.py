"""Where a text may hold something disguised: two scans, linear in any text.

All traces are two patterns of RE2, which reads each character once however many traces
there are; a search for each of them would read the text fifty times.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import re2

from assent.redact import alphabets, number_words, scattered
from assent.redact import disguise_words as words
from assent.redact.bare_links import ENDS_OF_HOSTS
from assent.redact.spans import Stretch

_MOST_MEMORY = 64 << 20  # of the automaton; past it, it forgets states and goes on
_MASK = "k"  # in the place of what is found already: no part of any trace
_BLANKS = (b" ", b"\n", b"\0")
_LONGEST_LINK = 2048
_LONGEST_BLOCK, _OVERLAP = 1 << 15, 512
_AHEAD = 1 << 10  # traces
_AROUND = 100  # bytes beside a trace: an address and the words before it
_CONTINUES, _CONTINUED = 0xC0, 0x80  # bytes of UTF-8 inside a character
_BEGINS = -64  # as signed bytes, only those are below it

_BRACKETS, _ENDS = (
    "[" + "".join(map(re.escape, each)) + "]" for each in (words.OPENING, words.CLOSING)
)
_NUMBER = f"(?:{number_words.FIRST_NUMBERS})"
_UNIT = f"(?:{number_words.UNITS})"
_SINGLE = (
    r" ?(?:[^\w\s,&\\;:.=|<-]|[_.\\:&-][^\w\s]|_)[^\w\s]{0,2} ?",
    "[,;|:&=] ?",
    " - ",
    r"\. ",
    rf",? (?:{scattered.BETWEEN}) ",
)
_SIGNS = (  # odd between digits: not one of those in dates, times and amounts
    r"(?: ?(?:[^\w\s.,:/(-]|[.,:/-](?:[^\w\s]|_)|[_ー]|\(-)(?:[^\w\s]|_){0,3} ?"
    r"[\"'`(\[{<*]?| [./-] |- | -|\. )"
)
_LISTED = "(?:, ?|: ?|/)"
_GROUPED = "[一二三四五六七八九零〇영일이삼사오육칠팔구공]{2}"
_LEET = "(?:tw0|zer0|0ne|thr3[3e]|f0ur|f[1i]v3|f1ve|s1x|s[3e]v[3e]n|[3e]1ght|n1n[3e])"
_DOT = f"(?:{words.DOT})"
# `at this point` is no domain, `at example point fr` is.
_LABEL = r"[\w\x{80}-\x{10ffff}-]+"  # of a domain, in any script
_SURE_DOT = (
    f"(?:{words.SURE_DOT}|(?:point|period|pont|piste)"
    " (?:com|net|org|info|fr|be|ch|ca|de|eu|fi|uk|us|hu|io|co))"
)
_ENDING = f"(?:{'|'.join(sorted(words.ENDINGS))})"  # a last label that proves much
_PROVIDERS = "|".join(sorted(words.PROVIDERS - {"live", "web", "orange", "mail"}))
_SURE_PROVIDERS = "|".join(sorted(words.SURE_PROVIDERS))
_ADDRESSES = (
    # [at], (dot), -at-, {@}, "@", [.], [/], [://], and halves of them.
    rf"{_BRACKETS} ?(?:@|{words.AT}|{words.DOT}) ?{_ENDS}"
    r"|[\[({<](?:\.|/|:|:?//|,|ta)[\])}>]|'\.'|\"\.\"|->at<"
    r"|(?-i:[a-z0-9]AT[a-z0-9]+(?:DOT|\.)[a-z]|[a-z0-9]DOT[a-z])"
    r"|\.at\.+[a-z]|at [\w-]+dot(?:com|net|org)[^a-z]|\.dot\.[a-z]",
    rf"[\[({{<] ?(?:{words.ONLY_IN_BRACKETS}) ?[\])}}>] ?[a-z0-9-]+"
    r"(?:\.[a-z]| ?[\[({<])",
    r"[\[({<] ?\.\w|\w\.[\])}>]\w|\w\\[.@]\w",
    # Codes of HTML, links, programs and mail.
    r"& ?#x?[0-9a-f]+;|&(?:commat|period|colon|sol|lowbar|plus|hyphen|dash);"
    r"|[0-9](?:&nbsp;|%20)[0-9]|%(?:40|2b|2d|2e|3[0-9a]|5f)|\\u00|\\x[2-7]|=40\w",
    r"[0-9]\)?\*\*(?:<br ?/?>|[ -])\*\*\(?[0-9]"
    r"|[0-9]</?[a-z]|@</?[a-z]|[a-z]>@|-->@|@<!--|ahr0c"
    r"|(?:[a-z0-9]=|b20|cmc|zxq|zgu)=[ \n,;.\"')]",
    r"&(?:at|dot);|%25(?:40|2e)|@@[\w@]|:[⧸∕⁄]{2}"
    r"|at[ -](?:sign|symbol),? (?:and )?(?:then|followed by) [a-z]"
    rf"|, at, [a-z]|[a-z0-9][#\"][a-z0-9.-]+\.{_ENDING}[^a-z\"(]"
    r"|@[\[(][a-z]|\(@t\)|\[@t\]",
    # Schemes.
    r"hxxp|h(?:\*\*|--|__|tx|xt)ps?:|fxps?:|meow:"
    r"|https?(?: :|: |:/[^/]|:\\|[\[({\])}_]|//|:// | [cd])",
    # Blanks, words and signs beside an `@`, or in the place of one.
    rf"[ \n]@ \w|[ \n]@[\w.-]+\.{_ENDING}[^a-z]|\w@[ \n]|[ \n]@\n|\n> ?@|\)@"
    rf"|@[\w.-]+(?:[.-]\n| ?[\[({{] ?(?:{_DOT}|\.)| ?[•·。・]| ?,{_ENDING}[^a-z]"
    rf"| \.|\. (?:com|net|org|example)| {_DOT}[ \n])",
    rf"[ \n](?:{words.AT}|{words.WEAK_AT})[ \n]{_LABEL}(?: ?[\[{{•·。・]| ?\(\w+\)"
    rf"|\.\w| \. ?\w|[ ,](?:com|net|org)[^a-z]| {_SURE_DOT}[ \n])"
    rf"| at (?:{_PROVIDERS})[^a-z.]",
    rf" {_DOT} (?:com|net|org|[\w-]+ (?:{words.SLASH}) )|[0-9] {_DOT} [0-9]"
    r"|[0-9] \.[0-9]+ \.[0-9]|[0-9] \. [0-9]|[0-9]。[0-9]+。[0-9]"
    rf"| [a-z0-9-]+ dotcom| \. {_ENDING}[^a-z]"
    r"| \.(?:com|org|edu|gov|example|de)[^a-z]",
    rf"www {_DOT} ",
    rf"[a-z0-9](?:{words.AT_UNSPACED})[a-z0-9]|[ \n]at [\w-]+ \({_DOT} |@ ?gmail"
    rf"|[\[(]at?[\])][a-z][a-z0-9.]*_",
    # Mailboxes without a domain, and what is put in to be taken out.
    rf"(?:my|mein|mi|mon|meu|mijn|min) (?:{_SURE_PROVIDERS})[ :=]"
    rf"|(?:{_SURE_PROVIDERS}) ?[:=] ?[a-z-]+[._0-9]"
    rf"|[a-z0-9][._0-9][a-z0-9]* (?:{words.IN}) (?:{_SURE_PROVIDERS})[^a-z.]",
    r"(?:name|user|login)[\"']? ?(?:=|:|is) ?[\w.\"'+-]+[ ,;]+"
    r"(?:and )?domain[\"' ]?[=:i]"
    rf"|followed by [\"']?@|[@\])}}t] ?[\[({{<-]?(?:{words.FILLERS})[\])}}> ._-]"
    r"|[a-z0-9][\x{1f300}-\x{1faff}][a-z0-9-]+(?:\.[a-z]| dot )"
    rf"|[a-z0-9][\x{{1f300}}-\x{{1faff}}]{_ENDING}[^a-z]"
    rf"|[>)\]}}\"'] ?(?:{words.AT}|at) ?[\[<({{\"']|[ \n](?:at|{words.AT}) [\[<({{]\w"
    r"|(?:and|on|at|,) (?:the |my )?(?:domain|host)(?: is|:| =)? [a-z0-9-]+\.[a-z]"
    r"|;[a-z-]+;(?:com|net|org|edu)[^a-z]"
    r"|mail[ :]{1,2}[\w.]+ at [\w-]+ [\w-]+ (?:com|net|org|edu)[^a-z]",
    # Letters and digits apart.
    r"[ \n][\w@+] [\w@.+-] [\w@.+-] [\w@.+-] |[a-z0-9]-[a-z0-9]-[a-z0-9]-[a-z0-9]-"
    r"|[0-9]\.[0-9]\.[0-9]\.[0-9]\.[0-9]\.[0-9]\.",
)
_WORDS = (
    rf"[^a-z]{_NUMBER}[ ,./-]+(?:{_NUMBER}|[0-9]+)[ ,./-]+(?:{_NUMBER}|[0-9])",
    rf"[0-9]-?{_NUMBER}-?[0-9]|{_UNIT}{_UNIT}{_UNIT}|[^a-z0-9]{_LEET}[ ,.-]",
    rf" {_DOT} [a-z-]+(?: [a-z-]+)? {_DOT} [a-z]",
    rf"(?:{alphabets.FIRST})[ -](?:{alphabets.FIRST})[ ,-]{{1,2}}(?:{_UNIT}|[0-9])",
    rf"[{''.join(number_words.BY_CHARACTER)}]{{3}}"
    rf"|(?:{_GROUPED}[ ,.の-]){{2}}{_GROUPED}",
)
_DIGITS = (
    # Odd signs between digits, look-alikes, what is glued to a number.
    r"[0-9]{2} ?[^\x00-\xa1\w\s×÷°±⁄]+ ?[0-9]{2}|[0-9]⊘[0-9]|[0-9]{3}[~&+^][0-9]{3}"
    r"|[0-9]{3}(?:[_*|]+|\.\.+|\\| \. )[0-9]{3}|[0-9]{3}[\]}>] ?[\[{<]?[0-9]{3}"
    r"|[0-9]{3}\) ?\([0-9]{2,3}|[0-9]{2}[\]}>][\[{<][0-9]{2}[\]}>]|[0-9]{2}\n[0-9]{2}",
    r"[0-9]{3} - [0-9]{3}|[0-9]{3}[^\w\s.-] ?[0-9]{4}[^\w\s.-] ?[0-9]{4}"
    r"|(?:[0-9][0-9] ){6}",
    r"[0-9][oilОоЗØ∅][0-9]|[0-9][ .-]?![0-9]|[0-9] [il][0-9] [0-9]{2}[^0-9]"
    r"|[0-9]{3}[ .-][oilsbz]{3}[ .-][0-9oilsbz]{4}"
    r"|[0-9][sbz][0-9][ .*+-]|[ \n(.*+-][oо][0-9]{2}"
    r"|[ -][il][0-9]{2}[ -][0-9]|[0-9][oо]{2}|[0-9][il]{3}"
    r"|[0-9]\|[0-9]{2}|\|-[0-9]\||[0-9]{3}[ .-](?:[oоil][0-9]|[oil]{3})|[0-9][ЗЧЬОо]",
    r"[0-9]{4} ?# ?[0-9]|-[0-9]{4},[0-9]{3}",
    r"[a-z][0-9]{3}-[0-9]{3}-|-[0-9]{4}[a-z]|[a-z]\+(?:[0-9]{4}|[0-9]{1,3}[ .-][0-9])"
    r"|[1-9]\.[0-9]{8,13}e\+1|(?:[0-9][/.,;:-]){8}[0-9]|[0-9](?:\n[0-9]){6}\n"
    r"|[0-9]{3}[.-][0-9]{3}_[0-9]{4}|[0-9]{3}_[0-9]{3}[.-][0-9]{4}"
    r"|(?:[0-9]{5}[^\w\s.,-]){2}[0-9]{5}|[0-9]{3}\+[^\w+]"
    r"|(?:phone|tel|tlf|fon|mobile?|cell|call|text|num[eé]r[oy]|number|nummer|whatsapp)"
    rf"[ .:=]{{1,3}}\(?[0-9]{{2,5}}{_SIGNS}\(?[0-9]{{2,4}}(?:{_SIGNS}|[ .-])[0-9]{{2}}"
    r"|[^a-z][a-z]{2}[._/:*|~-][0-9]{2}[._/:*|~-][0-9a-z]{4}[._/:*|~-]"
    r"|(?:iban|kto|konto|account)[a-z]{2}[0-9]{2}",
    r"[a-z]{2}[0-9]{2}[^\w\s.\\-]{1,2}[a-z0-9]{4}|[a-z]{2}[0-9]{2}[/_.][0-9a-z]{4}[/_.]",
    r"fe80:[0-9a-f:]+%|[*#][0-9]{2}[ #*]?[0-9(]|[0-9]{4},? area |00[0-9]{2}\([0-9]"
    r"|[^0-9/]0[0-9]+/[0-9]{4}[0-9]*/[0-9]|[\]}>]?-[\[{<][0-9]{3}",
    r"[0-9]{3} ?[~|] ?[0-9]{3}|\([oо]\) ?[0-9]{2}",
    r"0[0-9]{1,4} - [0-9]{2,4} - [0-9]"
    r"|[0-9 ](?:backwards|reversed|in reverse|ruckwarts|al reves|a l'envers)",
    rf"[a-z]{{2}}[0-9]{{2}} (?:{scattered.BETWEEN}) [a-z0-9]{{4}}",
    r"[^a-z]ip[a-z]*[ :=]{1,3}(?:[a-z]{1,9} ?[:=]? )?[0-9]{1,3}(?:,[0-9]{1,3}){3}"
    r"|[0-9]{1,3}(?:-[0-9]{1,3}){3}\.[a-z][a-z0-9-]*\.[a-z]"
    r"|\.(?:in-addr|ip6)\.arpa|[^0-9.][0-9]{1,3}\.[0-9]{1,3}\.[0-9]{4,5}[^0-9.]"
    r"|[^0-9]0[0-3][0-7]{2}\.[0-9]{1,4}\.[0-9]"
    r"|[^a-z]ip[a-z]*[ :=]{1,3}(?:[a-z]{1,9} ?[:=]? )?(?:0x[0-9a-f]{8}|[0-9]{10})",
    r"\.0x[0-9a-f]|\.0[0-9]{2}\.|\.0[0-9][0-9][^0-9]",
    # Digits apart by any sign, word or letters.
    "|".join(f"(?:[0-9]{sign}){{8}}[0-9]" for sign in _SINGLE),
    rf"[0-9]{{3}}(?:{_SIGNS}|{_LISTED})[0-9]{{3}}(?:{_SIGNS}|{_LISTED})[0-9]{{4}}[^0-9]"
    rf"|[^0-9.,:]0[0-9]{{1,4}}{_SIGNS}[0-9]{{2,4}}(?:{_SIGNS}|[. -])[0-9]{{2,4}}"
    rf"|\+[0-9]{{1,3}}(?:{_SIGNS}| (?:{scattered.BETWEEN}) )[0-9]{{2,5}}"
    r"|[^0-9]0[0-9](?:[:,] ?[0-9]{2}){4}[^0-9]|[0-9]{3}x[0-9]{3}x[0-9]{4}[^0-9]"
    r"|[^0-9]0[0-9]{3,4}[/:,][0-9]{2,3}[/:,][0-9]{2,3}[^0-9]"
    rf"|[0-9]{{2,5}},? (?:{scattered.BETWEEN}),? [0-9]{{2,5}}[ ,]",
    r"[^0-9a-z]0[0-9]{1,3}(?:[0-9]?x[0-9]{2,3}x[0-9]{2}"
    r"|[a-f]{0,2}[g-wyz][a-z]{0,4}[0-9]{2,4}[a-z])"
    r"|tel[ :.]{1,2}0[0-9]{1,3}[a-z]|\+[0-9]{1,3} [/-] [0-9]+ [/-] "
    r"|(?:phone|tel|fon|mobile?|numer?o|nummer|whatsapp)0[1-9][0-9]{8}"
    r"|[ \n(]o[0-9] [0-9]{2} [0-9]{2}"
    r"|[0-9oil!](?:;[0-9oils!]{2,3}\.|\.[0-9oils!]{2,3};)[0-9oils]{3}",
)
# Links without a scheme.
_LINKS = (rf"\.(?:{'|'.join(sorted(ENDS_OF_HOSTS))})(?::[0-9]+)?[/?][\w@~?#!%-]",)
_KINDS = (_ADDRESSES, _WORDS, _DIGITS, _LINKS)


@lru_cache(maxsize=1)
def _automata() -> tuple[Any, Any, tuple[Any, ...]]:
    """Compile the traces, when they are first needed: of addresses, others, and each.

    Two automata read faster than one, whose states are many times as many. They have
    no groups: to say which of them matched costs RE2 more than to match.
    """
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False  # it says when it makes room for other states
    options.max_mem = _MOST_MEMORY
    kinds = ["|".join(each).encode() for each in _KINDS]
    return (
        re2.compile(kinds[0], options),
        re2.compile(b"|".join(kinds[1:]), options),
        tuple(re2.compile(each, options) for each in kinds[1:]),
    )


def _traces(data: bytes) -> Iterator[tuple[int, int, bool]]:
    """List the traces, in order, and whether one is of an address; they may overlap."""
    addresses, others, _ = _automata()
    return merge(
        _ahead((*found.span(), True) for found in addresses.finditer(data)),
        _ahead((*found.span(), False) for found in others.finditer(data)),
    )


def _ahead(traces: Iterator[tuple[int, int, bool]]) -> Iterator[tuple[int, int, bool]]:
    """Read many traces at a time.

    An automaton is slow after something else has run: its states have left the cache.
    """
    while some := list(islice(traces, _AHEAD)):
        yield from some


class Block(NamedTuple):
    """A stretch that is worth a closer look, in characters, and for what."""

    start: int
    end: int
    address: bool
    words: bool
    digits: bool
    links: bool


def blocks(text: str, over: Iterable[Stretch] = ()) -> Iterator[Block]:
    """List what is worth a closer look, in order and apart.

    Each holds a trace and what stands around it, for the words that prove or disprove
    it; none passes a barrier.

    Args:
        text: plain texts.
        over: what no trace is looked for in, sorted and apart.
    """
    data = _masked(text, over).encode("utf-8", "surrogatepass")
    if len(data) == len(text):
        yield from _joined(data)
        return
    continued = np.flatnonzero(np.frombuffer(data, np.int8) < _BEGINS)
    for block in _joined(data):
        before = np.searchsorted(continued, (block.start, block.end)).tolist()
        start, end = block.start - before[0], block.end - before[1]
        yield block._replace(start=start, end=end)


def _masked(text: str, over: Iterable[Stretch]) -> str:
    """Write the same letter all over some stretches, sorted and apart."""
    pieces: list[str] = []
    done = 0
    for start, end in over:
        pieces += text[done:start], _MASK * (end - start)
        done = end
    return "".join([*pieces, text[done:]]) if pieces else text


def _joined(data: bytes) -> Iterator[Block]:
    """Join the surroundings of traces that overlap, in bytes.

    A block that grows long is cut, and the next one overlaps it: memory stays flat.
    """
    begin, stop = -1, -1
    kinds = [False] * len(_KINDS)
    _, _, by_kind = _automata()
    for first, last, address in _traces(data):
        start, end = _around(data, first, last)
        if begin >= 0 and (start > stop or stop - begin > _LONGEST_BLOCK):
            yield Block(begin, stop, *kinds)
            if start <= stop:
                start = _character(data, max(start, stop - _OVERLAP))
            begin, stop = start, end
            kinds = [False] * len(_KINDS)
        elif begin < 0:
            begin = start
        stop = max(stop, end)
        if address:
            kinds[0] = True
            continue
        trace = data[first:last]
        for number, kind in enumerate(by_kind, start=1):
            kinds[number] = kinds[number] or kind.fullmatch(trace) is not None
    if begin >= 0:
        yield Block(begin, stop, *kinds)


def _character(data: bytes, at: int) -> int:
    """Where the character begins that holds a byte."""
    while 0 < at < len(data) and data[at] & _CONTINUES == _CONTINUED:
        at -= 1
    return at


def _around(data: bytes, start: int, end: int) -> tuple[int, int]:
    """Widen a trace to its surroundings, to a blank where one is near."""
    floor = max(0, start - _AROUND)
    floor = max(floor, data.rfind(b"\0", floor, start) + 1)
    ceiling = min(len(data), end + _AROUND)
    barrier = data.find(b"\0", end, ceiling)
    ceiling = ceiling if barrier < 0 else barrier
    if floor and data[floor - 1]:
        near = (data.find(blank, floor, start) for blank in (b" ", b"\n"))
        floor = min((at for at in near if at >= 0), default=floor)
    if ceiling < len(data) and data[ceiling]:
        # A link goes on to a blank, if it is not written to be endless.
        limit = min(len(data), ceiling + _LONGEST_LINK)
        ceiling = min(_first(data, each, ceiling, limit) for each in _BLANKS)
    return _character(data, floor), _character(data, ceiling)


def _first(data: bytes, sign: bytes, start: int, end: int) -> int:
    at = data.find(sign, start, end)
    return end if at < 0 else at
