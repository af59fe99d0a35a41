"""A text rewritten without its disguise, with the way back to what stood there.

Each step takes a view and gives the next one: codes are decoded, letters written apart
are joined, and bracketed signs become the signs. Nothing is decided here; what comes
out is read by detectors, and a span counts only where something was rewritten.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from assent.redact import disguise_words as words

AT = "\x01"
"""Stands for an `@` that was written out: only a domain proves it."""

Replace = Callable[[re.Match[str]], str | None]
Replacement = tuple[int, int, str]
"""Start, end, and what to put there."""


@dataclass(frozen=True, slots=True)
class View:
    """A rewritten text.

    Args:
        text: the characters.
        starts: where the original of each character starts.
        ends: where it ends.
        changed: 1 for each character that does not stand for itself.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    changed: bytearray

    @classmethod
    def of(cls, text: str) -> "View":
        """View a text as it is."""
        size = len(text)
        return cls(text, range(size), range(1, size + 1), bytearray(size))

    def rewritten(self, pattern: re.Pattern[str], replace: Replace) -> "View":
        """Replace what a pattern finds; what `replace` answers None to stays."""
        every = [*pattern.finditer(self.text)]
        if not every:
            return self  # most often
        return self.replaced(
            (*found.span(), new)
            for found in every
            if (new := replace(found)) is not None
        )

    def replaced(self, replacements: Iterable[Replacement]) -> "View":
        """Put something in the place of some stretches, in order and apart."""
        pieces: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        changed = bytearray()
        done = 0
        for first, last, new in replacements:
            pieces += self.text[done:first], new
            starts += self.starts[done:first]
            ends += self.ends[done:first]
            changed += self.changed[done:first]
            starts += [self.starts[first]] * len(new)
            ends += [self.ends[last - 1]] * len(new)
            changed += b"\1" * len(new)
            if not new and ends:  # what is left out goes with what stands before it
                changed[-1] = 1
                ends[-1] = self.ends[last - 1]
            done = last
        if not pieces:
            return self
        pieces.append(self.text[done:])
        starts += self.starts[done:]
        ends += self.ends[done:]
        changed += self.changed[done:]
        return View("".join(pieces), starts, ends, changed)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Move a span, which is not empty, back to the original."""
        return self.starts[start], self.ends[end - 1]

    def is_changed(self, start: int, end: int) -> bool:
        """Whether any character of a span does not stand for itself."""
        return 1 in self.changed[start:end]


class AnyCase:
    """A pattern in small letters, found in any case.

    In ASCII, which most text is, small letters are searched: that is several times as
    fast as to compare without case. What is found may be in small letters, then.
    """

    def __init__(self, pattern: str) -> None:
        self._small = re.compile(pattern)
        self._any = re.compile(pattern, re.IGNORECASE)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Find every match, as a pattern of `re` does."""
        if text.isascii():
            return self._small.finditer(text.lower())
        return self._any.finditer(text)

    def in_(self, text: str) -> bool:
        """Say whether there is a match."""
        return next(self.finditer(text), None) is not None


# --- codes of HTML, links and programs ----------------------------------------------

_CODE = re.compile(
    r"& ?(?:#[0-9]{2,6}|#x[0-9a-f]{2,5}|commat|period|nbsp|colon|sol|lowbar|plus|hyphen"
    r"|dash|lpar|rpar|num|amp);"
    r"|&(?:at|dot);|%(?:25)?[2-7][0-9a-f]|(?:\\u00|\\x)[2-7][0-9a-f]|=(?:40|2e|2d|5f)"
    r"|<br ?/?>|</?(?:a|b|i|u|em|strong|span|code|font|tt|wbr)>|<!--[^<>\n\0]{0,40}-->",
    re.IGNORECASE,
)
_SIGNS_OF_CODE = ("&", "%", "\\", "=", "</", "<!--", "<br")
# Of Markdown, around digits and beside no other: `2**3` is a power.
_BOLD = re.compile(r"\*\*(?:(?<=[0-9)]\*\*)(?![*0-9(])|(?<![*0-9)]\*\*)(?=[(0-9]))")
_SAID = {"&at;": "@", "&dot;": "."}  # no names of HTML, and what people mean
_HYPHENS = frozenset("\u2010\u2011\u2012\u2013\u2014\u2212")


def decoded(view: View) -> View:
    """Decode entities, percent codes and escapes; leave small tags out."""
    if any(sign in view.text for sign in _SIGNS_OF_CODE):
        view = view.rewritten(_CODE, _decode)
    if "**" in view.text:
        view = view.rewritten(_BOLD, lambda _: "")
    return view


def _decode(found: re.Match[str]) -> str | None:
    code = found.group()
    if code[0] == "<":
        return " " if code[1:3].lower() == "br" else ""
    if code.lower() in _SAID:
        return _SAID[code.lower()]
    character = (
        html.unescape(code.replace(" ", ""))
        if code[0] == "&"
        else chr(int(code[-2:], 16))
    )
    if character in _HYPHENS:
        return "-"
    plain = unicodedata.normalize("NFKD", character)
    if len(plain) != 1 or not plain.isprintable():
        return None
    return plain


# --- written apart -------------------------------------------------------------------

# In every stretch of three: a search that begins with one sign is much faster.
_TWO = re.compile(r" [^\s\0] [^\s\0](?![^\s\0])")
_BETWEEN = re.compile(r"-[^\W_]-|\.[0-9]\.")
_APART = re.compile(r"(?<![^\s\0])[^\s\0](?: [^\s\0](?![^\s\0])){2,}")
_HYPHENED = re.compile(
    r"(?<![\w-])[^\W_](?:-[^\W_](?![^\W_])){2,}(?![\w-])"
    r"|(?<![\w.])[0-9](?:\.[0-9](?![0-9])){6,}(?![\w]|\.[0-9])"
)


def joined(view: View) -> View:
    """Join `a n n a` and `a-n-n-a`: three signs and more."""
    if _TWO.search(view.text):
        view = view.rewritten(_APART, lambda found: found.group().replace(" ", ""))
    if _BETWEEN.search(view.text):
        view = view.rewritten(_HYPHENED, _unhyphened)
    return view


def _unhyphened(found: re.Match[str]) -> str:
    return found.group().replace("-", "").replace(".", "")


# --- signs in brackets ---------------------------------------------------------------

_OPENING, _CLOSING = re.escape(words.OPENING), re.escape(words.CLOSING)
_OPEN = rf"(?:['\"] ?[+.&] ?['\"]|-{{1,2}}>|[{_OPENING}]{{1,2}} ?)"
_CLOSE = rf"(?:['\"] ?[+.&] ?['\"]|<-{{1,2}}| ?[{_CLOSING}]{{1,2}})"
# A comma between quotes parts two values.
_DOTS = rf"(?!/){_OPEN}(?:\.|(?<=[\[({{<]),(?=[\])}}>])|{words.DOT})(?!/){_CLOSE}"
_FOLLOWED = (
    r"(?:(?:and |then |und |et )?(?:followed by|gefolgt von|suivi de|seguido de))"
)
_SIGNS = re.compile(
    rf"(?= ?[{_OPENING}.])(?:"  # most characters end here
    rf" ?(?P<followed>\({_FOLLOWED} [\"']?@)|"
    f" ?(?P<at>{_OPEN}(?:@|{words.AT_IN_BRACKETS}){_CLOSE})[ \n]?"
    f"|(?P<dot> ?{_DOTS} ?|(?<=\\w)(?:[\\[({{<] ?\\.|\\.[\\])}}>]|\\\\\\.)(?=\\w))"
    r"|(?P<half>(?<=\w) ?[\[({] ?(?:" + words.DOT + r") (?=[a-z]{2,6}[\])}]))"
    r"|(?P<pointed>\.{1,3}(?:at|dot)\.{1,3}(?=[a-z]))"
    r"|(?P<slash>[\[({]/[\])}])|(?P<colon>[\[({]:[\])}])"
    r"|\\(?=@))|(?P<several>@{2,4}(?=\w))",
    re.IGNORECASE,
)
# What stands in each of them: a search that begins with one sign is much faster.
_MAY_BE_SIGN = AnyCase(
    rf"[{_OPENING}.@](?:[{_OPENING}>]{{0,2}} ?(?:"
    rf"(?:[@.,]|{words.AT_IN_BRACKETS}|{words.DOT}) ?[{_CLOSING}<]|(?:{words.DOT}) )"
    r"|(?<=\.)\.{0,2}(?:at|dot)\.|(?<=['\"]) ?[+.&] ?['\"]|(?<=[\[({<]) ?\.\w"
    r"|(?<=\\)[.@]|(?<=\.)[\])}>]\w|(?<=[\[({])[/:][\])}]|(?<=@)@"
    rf"|(?<=\(){_FOLLOWED})"
)
_SCHEME = re.compile(
    r"\b(?P<name>h(?:xx|tt|\*\*|--|__|tx|xt)ps?|f[tx]ps?|meow)"
    r"(?: ?[\[({]?:[\])}]?(?://[\])}])?|[\])}]:|_{1,2}|(?=//))"
    r"(?: ?[\[({]?[/\\]{1,3}[\])}]?){0,2}"
    r"(?: (?=[\w-]+ ?[.\[({]))?",
    re.IGNORECASE,
)


def signed(view: View) -> View:
    """Put the sign in the place of what stands for it in brackets."""
    if not view.text.isascii():
        view = view.rewritten(_SOLIDUS, lambda _: "/")
    lower = view.text.lower()
    if any(name in lower for name in _SCHEMES):
        view = view.rewritten(_SCHEME, _scheme)
    if _MAY_BE_SIGN.in_(view.text):
        view = view.rewritten(_SIGNS, _sign)
    if _MAY_BE_FILLER.in_(view.text):
        view = view.rewritten(_FILLERS, lambda _: "")
    if _TURNED_SIGN.in_(view.text):
        view = view.rewritten(
            _TURNED, lambda found: AT if found["at"] or found["word"] else "."
        )
    if "dot" in lower:
        view = view.rewritten(_DOT_INSIDE, lambda _: ".")
    view = _said(view)
    if "AT" in view.text or "DOT" in view.text:
        view = view.rewritten(
            _CAPITALS, lambda found: AT if found.group() == "AT" else "."
        )
    if not view.text.isascii():
        view = view.rewritten(_STRUNG, _unstrung)
        if "@" in view.text:
            view = view.rewritten(_PICTURED, lambda _: ".")
        view = view.rewritten(_UNSPACED, lambda found: AT if found["at"] else ".")
    return view


# Brackets around what stands beside the signs: `<anna> at <example> dot <com>`.
_TURNED_SIGN = AnyCase(rf"(?:{words.AT}|at) ?[<(\[{{\"']")
_BRACKETED = rf"[\w.-]+ ?[>)\]}}\"'] (?:{words.DOT}) "
_TURNED = re.compile(
    rf"(?<=\w) ?(?:[>)\]}}\"'] ?(?P<at>{words.AT}|at) ?[<(\[{{\"'] ?"
    rf"(?=[\w-]+\.(?:{'|'.join(sorted(words.PLAIN_ENDINGS))})\b|{_BRACKETED})"
    rf"|(?P<word>{words.AT}|at) [<(\[{{\"'](?={_BRACKETED})"
    rf"|[>)\]}}\"'] (?:{words.DOT}) [<(\[{{\"'] ?(?=[a-z]{{2,6}}\b))",
    re.IGNORECASE,
)
_SOLIDUS = re.compile("[⧸∕⁄]")
_KEYS = re.compile(  # `@` and `"` change places on British keyboards
    r"(?<![\w.\"])(?P<local>[a-z0-9]+[._][a-z0-9._-]*)\""
    rf"(?=[a-z0-9-]{{2,40}}\.(?:{'|'.join(sorted(words.PLAIN_ENDINGS))})(?![\w\"(]))",
    re.IGNORECASE,
)
_OTHER_SIGN = re.compile(
    r"(?<=[a-z0-9])[#*&$~^|!\"](?=[a-z0-9-]{2,40}(?:\.[a-z0-9-]{2,40}){1,4}\b)",
    re.IGNORECASE,
)
_EXPLAINED = re.compile(
    r"\b(?:put|use|replace|swap|write|insert|change|read|means?|is)\b[^\n\0]{0,24}"
    r"(?:@|\bat\b)",
    re.IGNORECASE,
)
_THEN = re.compile(
    r",? (?:(?:and )?then |followed by )?(?:the |an |a )?at[ -](?:sign|symbol),?"
    r" (?:(?:and )?then|followed by) |, at, (?=[\w-]+,? dot )",
    re.IGNORECASE,
)
_COMMA_DOT = re.compile(rf"(?<={AT})([\w-]+), dot (?=[a-z]{{2,6}}\b)", re.IGNORECASE)
_TWO_DOTS = re.compile(rf"(?<=[{AT}@])([\w.-]+)\.\.(?=[a-z]{{2,6}}\b)", re.IGNORECASE)


def _said(view: View) -> View:
    """Put an `@` for what somebody says about it, or what stands in its place."""
    lower = view.text.lower()
    if ", at, " in lower or "at sign" in lower or "at symbol" in lower:
        view = view.rewritten(_THEN, lambda _: AT)
        view = view.rewritten(_COMMA_DOT, lambda found: f"{found[1]}.")
    if '"' in lower:
        view = view.rewritten(_KEYS, lambda found: found["local"] + AT)
    if _EXPLAINED.search(view.text):
        view = view.rewritten(_OTHER_SIGN, lambda _: AT)
    if ".." in view.text:
        view = view.rewritten(_TWO_DOTS, lambda found: f"{found[1]}.")
    return view


_DOT_INSIDE = re.compile(r"(?<=\w)dot(?=(?:com|net|org|edu)\b)", re.IGNORECASE)
_FILLERS = re.compile(
    rf"(?<=[@{AT}]) ?[\[({{<]?(?:{words.FILLERS})[\])}}>]?[ ._-]?(?=\w)"
    rf"|[\[({{<](?:{words.FILLERS})[\])}}>](?=[@{AT}])",
    re.IGNORECASE,
)
_MAY_BE_FILLER = AnyCase(rf"[@{AT}\[({{<] ?[\[({{<]?(?:{words.FILLERS})")
_SCHEMES = ("hxx", "htt", "h**", "h--", "h__", "htx", "hxt", "ftp", "fxp", "meow")


_CAPITALS = re.compile(
    r"(?<=[a-z0-9])AT(?=[a-z0-9-]{2,40}(?:DOT|\.)[a-z]{2})|(?<=[a-z0-9])DOT(?=[a-z]{2})"
)

_STRUNG = re.compile(  # one picture between letters, and in the place of dots
    r"(?<![a-z0-9])[a-z0-9](?P<sign>[\U0001f300-\U0001faff])[a-z0-9]"
    r"(?:(?P=sign)[a-z0-9]){0,30}@[a-z0-9-]{1,63}(?:(?P=sign)[a-z0-9-]{2,40}){1,4}",
    re.IGNORECASE,
)


_PICTURED = re.compile(
    r"(?<=[a-z0-9])[\U0001f300-\U0001faff]"
    rf"(?=(?:{'|'.join(sorted(words.PLAIN_ENDINGS))})\b)",
    re.IGNORECASE,
)


def _unstrung(found: re.Match[str]) -> str:
    local, _, domain = found.group().partition("@")
    return f"{local.replace(found['sign'], '')}@{domain.replace(found['sign'], '.')}"


_UNSPACED = re.compile(
    r"(?P<at>(?<=[a-z0-9])[\U0001f300-\U0001faff]"
    r"(?=[a-z0-9-]{2,40}(?:\.[a-z]{2}| dot ))"
    rf"|(?<=[a-z0-9])(?:{words.AT_UNSPACED})(?=[a-z0-9-]{{2,40}}"
    rf"(?:\.|{words.DOT_UNSPACED})[a-z]{{2}}))"
    rf"|(?<=[a-z0-9])(?:{words.DOT_UNSPACED})(?=[a-z]{{2}})|(?<=[0-9])。(?=[0-9])",
    re.IGNORECASE,
)


def _scheme(found: re.Match[str]) -> str | None:
    text = found.group()
    name = found["name"].lower()
    plain = name in ("http", "https", "ftp", "ftps")
    if plain and (text.lower() == f"{name}://" or not re.search(r"[/\\]|__", text)):
        return None
    return "https://" if name.endswith("s") else "http://"


def _sign(found: re.Match[str]) -> str | None:
    if found["at"] or found["several"] or found["followed"]:
        return AT
    if found["pointed"]:
        return AT if "a" in found["pointed"].lower() else "."
    if found["dot"] or found["half"]:
        return "."
    if found["slash"]:
        return "/"
    return ":" if found["colon"] else ""
