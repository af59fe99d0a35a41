"""Addresses said in words: `anna at example dot com`, `example dot com slash anna`.

Everyday words are read as signs only where an address is likely: the weaker the word,
the more the words around it must show. Each search is anchored on one sign or word and
looks at a bounded number of characters beside it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from assent.redact import disguise_words as words
from assent.redact import number_words
from assent.redact.machines import NUMBER
from assent.redact.rewriting import AT, AnyCase, View
from assent.redact.spans import Found, Kind

_STRONG, _WORD, _WEAK, _BLANK, _PLAIN = range(5)
"""How an `@` is written: in brackets, as a word for nothing else, as `at`, with blanks
beside it, as it is."""

_AT_WORD = rf"(?:{words.AT}|{words.WEAK_AT})[ \n]"
_QUOTED = "(?:> ?)?"  # a line break before or behind
_AT_SIGN = rf"@[ \n]?{_QUOTED}"
# Each begins with one sign, which makes it fast to search.
_AT = AnyCase(
    rf"{AT}[\[(]?|@[\[(]| {_AT_WORD}|\n{_AT_WORD}"
    rf"| {_QUOTED}{_AT_SIGN}|\n{_QUOTED}{_AT_SIGN}|> ?{_AT_SIGN}|{_AT_SIGN}"
)
_WEAK_WORDS = frozenset(words.WEAK_AT.split("|"))
_LOCAL_CHARACTERS = 72  # 64 is the most that RFC 5321 allows
_JOINTS = f"(?: (?:{words.DOT}|{words.DASH}|{words.UNDERSCORE}|[._-]) )"
_LOCAL = re.compile(
    rf"(?<![\w.+~-])(?<!\w')[\w+][\w.+'~-]{{0,63}}(?:{_JOINTS}[\w+-]{{1,63}}){{0,4}}"
    r"(?:\([\w -]{1,40}\))?$",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(
    rf"(?P<plain>\.)(?=\w)|(?P<dot> d[o0]t | dot(?=(?:com|net|org)\b))"
    rf"|(?P<word> (?:{words.DOT}) )"
    r"|(?P<apart> \. ?(?=\w)|(?<=www)\. (?=\w))"
    r"|(?P<bullet> ?[•·∙。・‧●⋅] ?)|(?P<end>\.[ \n](?=\w))|(?P<comma> ?[,;](?=\w))"
    r"|(?P<gap> (?=(?:[\w-]{2,40} )?(?:com|net|org|edu)\b))",
    re.IGNORECASE,
)
_PART = r"\w(?:[\w-]{0,61}\w)?"
_LABEL = re.compile(rf"{_PART}(?:-\n{_PART}| (?:{words.DASH}) {_PART})?")
_MOST_LABELS = 24
_CUE = re.compile(
    r"(?:e-?mail|mail|contact|reach|write|address|adress|correo|courriel|schreib|kontakt"
    r"|escrib|ecri|mejl|posta|pocht|почт|пиши)[^\n\0]{0,24}$",
    re.IGNORECASE,
)
_CUE_CHARACTERS = 40
_SAID = re.compile(
    rf"(?<!\w)[\w.-]{{1,40}}(?:{_JOINTS}[\w-]{{1,40}}){{0,3}}"
    rf"(?: (?:{number_words.SAID}|hundred|thousand|and)){{1,12}}$",
    re.IGNORECASE,
)


def addresses(view: View) -> Iterator[Found]:
    """Find e-mail addresses, links and handles that are partly written out."""
    yield from _emails(view)
    yield from _hosts(view)
    yield from _handles(view)


# --- domains -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Domain:
    """A domain as it stands in the text.

    Args:
        end: after its last label.
        labels: its parts.
        ways: how each separator is written.
        reach: where reading it ended; nothing else begins before.
    """

    end: int
    labels: tuple[str, ...]
    ways: tuple[str, ...]
    reach: int

    @property
    def written_out(self) -> bool:
        return any(way != "plain" for way in self.ways)


def _domain(text: str, at: int) -> _Domain | None:
    """Read a domain from a place on, without what cannot belong to its end."""
    labels: list[str] = []
    ways: list[str] = []
    ends: list[int] = []
    while len(labels) < _MOST_LABELS:
        label = _LABEL.match(text, at)
        if not label:
            break
        labels.append(label.group().lower())
        ends.append(label.end())
        separator = _SEPARATOR.match(text, label.end())
        if not separator:
            break
        ways.append(str(separator.lastgroup))
        at = separator.end()
    if not labels:
        return None
    reach = ends[-1]
    del ways[len(labels) - 1 :]
    while len(labels) > 1 and not _may_end(text, labels[-1], ways[-1], ends[-1]):
        del labels[-1], ways[-1], ends[-1]
    return _Domain(ends[-1], tuple(labels), tuple(ways), reach)


def _may_end(text: str, label: str, way: str, end: int) -> bool:
    if not (label[-1].isalpha() and len(label) >= 2):
        return label.startswith("xn--")
    if way == "plain":
        return True
    if way in ("end", "comma"):
        # The next sentence begins with a word, and a capital.
        return label in words.PLAIN_ENDINGS and not text[end - len(label)].isupper()
    if way == "apart" and text[end - len(label) - 1] == ".":
        return label in words.PLAIN_ENDINGS  # `cd .local`
    return label in words.ENDINGS


# --- e-mail --------------------------------------------------------------------------


def _emails(view: View) -> Iterator[Found]:
    text = view.text
    for sign in _AT.finditer(text):
        domain = _domain(text, sign.end())
        if not domain:
            continue
        alone = len(domain.labels) < 2
        if alone and not (
            _is_strong(sign.group()) or domain.labels[0] in words.PROVIDERS
        ):
            continue  # most often, and before a longer search
        window = max(0, sign.start() - _LOCAL_CHARACTERS)
        local = _LOCAL.search(text[window : sign.start()])
        if not local:
            continue
        if alone and not _may_be_alone(sign.group(), local.group(), domain):
            continue
        start = window + local.start()
        how = _how(view, *sign.span(), local.group())
        if _is_address(view, start, local.group(), how, domain):
            if how is _WEAK:
                start = _said_before(text, start, sign.start())
            yield start, domain.end, Kind.EMAIL


def _may_be_alone(sign: str, local: str, domain: _Domain) -> bool:
    """Whether a domain of one word is one: a provider's, or written backwards."""
    if domain.labels[0] in words.PROVIDERS:
        return sign != "@"
    first = local.lower().partition(".")[0]
    return _is_strong(sign) and "." in local and first[::-1] in words.PLAIN_ENDINGS


def _is_strong(sign: str) -> bool:
    return sign[0] == AT or sign[-1] in "[("


def _how(view: View, start: int, end: int, local: str) -> int:
    text = view.text[start:end]
    if _is_strong(text):
        return _STRONG
    if not text.strip(" \n>@"):
        if len(text) > 1:
            return _BLANK
        return _STRONG if view.is_changed(start, end) else _PLAIN
    bare = text.strip()
    if bare.lower() not in _WEAK_WORDS:
        return _WORD
    return _WORD if bare == "AT" and not local.isupper() else _WEAK


def _is_address(view: View, start: int, local: str, how: int, domain: _Domain) -> bool:
    text = view.text
    dotted = len(domain.labels) > 1  # else it is a provider of mail
    first, last = domain.labels[0], domain.labels[-1]
    particular = any(c in "._-+" or c.isdecimal() for c in local.strip(".")) or (
        " " in local
    )
    before = text[max(0, start - _CUE_CHARACTERS) : start]
    if how is _STRONG:
        return True
    if "gap" in domain.ways and how is not _WORD and not _CUE.search(before):
        return False
    if not dotted:
        return particular or (how is _BLANK and local.lower() not in words.NOT_LOCAL)
    if first in words.NOT_DOMAIN or first.isdecimal():
        return False
    likely = (
        particular
        or first in words.PROVIDERS
        or last in ("example", "invalid")
        or _CUE.search(before) is not None
        or _alone(text, start, domain.end)
    )
    rewritten = domain.written_out or view.is_changed(start, domain.end)
    if how is _PLAIN:
        broken = "\n" in text[start : domain.end]
        return rewritten or broken or local.endswith(")")
    if how is _WORD:
        return last in words.ENDINGS
    if last not in words.ENDINGS or local.lower().strip("'.") in words.NOT_LOCAL:
        return False
    if "word" in domain.ways and last not in words.PLAIN_ENDINGS:
        return False  # `at a certain point it`
    if how is _BLANK:
        return likely or rewritten or _blanks_around(view, start, domain)
    return likely or (rewritten and "end" not in domain.ways)


def _alone(text: str, start: int, end: int) -> bool:
    """Whether nothing else stands on the line."""
    before = text[max(0, start - 1) : start]
    return before in ("", "\n") and text[end : end + 1] in ("", "\n")


def _blanks_around(view: View, start: int, domain: _Domain) -> bool:
    """`anna @ example.com` is an address; `anna @example.com` may be two things."""
    return (
        "@ " in view.text[start : domain.end] or "@\n" in view.text[start : domain.end]
    )


def _said_before(text: str, start: int, end: int) -> int:
    """Where a local part begins whose numbers are said: `kim seven two at ...`."""
    window = max(0, end - _LOCAL_CHARACTERS)
    said = _SAID.search(text[window:end])
    return min(start, window + said.start()) if said else start


# --- hosts ---------------------------------------------------------------------------

_DOT_ANCHOR = AnyCase(
    # The blank or the dot first: much faster to search than what stands before.
    rf" (?<=\w )(?:(?:{words.DOT}) |\. ?)(?=\w)|\.(?:(?<=www\.) |(?<=\w\.))(?=\w)"
)
_PATH = re.compile(
    rf"(?: ?/ ?| (?:{words.SLASH}) )[^\s\0<>\"]{{1,400}}"
    rf"(?: (?:{words.UNDERSCORE}|{words.DASH}|{words.DOT}) \w{{1,63}})*",
    re.IGNORECASE,
)
_SCHEME = re.compile(
    rf"(?:https? ?(?:://|(?:{words.COLON}) (?:{words.SLASH}) (?:{words.SLASH}))) ?$",
    re.IGNORECASE,
)
_INVITES = re.compile(
    r"(?:website|site|visit|blog|homepage|link|url|profile|profil|page|webseite)"
    r"[^\n\0]{0,12}$",
    re.IGNORECASE,
)
_LAST_CHARACTERS = ".,;:!?'*_~`|\\)]}"
_MOST_STEPS = 12


def _hosts(view: View) -> Iterator[Found]:
    text = view.text
    untouched = 1 not in view.changed
    done = 0
    for dot in _DOT_ANCHOR.finditer(text):
        if dot.start() < done:
            continue
        if untouched and dot.group() == ".":
            continue  # for those who read what is not disguised
        start = _label_start(text, dot.start())
        domain = _domain(text, start)
        numeric = _four_numbers(text, start)
        if numeric:
            done = numeric
            if numeric > start and (
                view.is_changed(start, numeric) or dot.group() != "."
            ):
                yield start, numeric, Kind.IP
            continue
        if not domain:
            continue
        if len(domain.labels) < 2:
            done = domain.reach
            continue
        done = domain.end
        changed = domain.written_out or view.is_changed(start, domain.end)
        end = _path_end(text, domain.end)
        if changed and _is_host(view, start, domain, end):
            yield _scheme_start(text, start), end, Kind.URL


_STEP = rf"(?: ?\. ?| (?:{words.DOT}) )"
_FOUR = re.compile(rf"{NUMBER}(?:{_STEP}{NUMBER}){{3}}(?![\w]|\.[0-9])", re.IGNORECASE)


def _label_start(text: str, at: int) -> int:
    floor = max(0, at - 63)
    while at > floor and (text[at - 1].isalnum() or text[at - 1] in "-_"):
        at -= 1
    return at


def _four_numbers(text: str, start: int) -> int:
    found = _FOUR.match(text, start)
    return found.end() if found else 0


def _scheme_start(text: str, start: int) -> int:
    window = max(0, start - 40)
    scheme = _SCHEME.search(text[window:start])
    return window + scheme.start() if scheme else start


def _path_end(text: str, end: int) -> int:
    """Follow `/in/anna`, ` / in / anna` and ` slash in slash anna`."""
    for _ in range(_MOST_STEPS):
        step = _PATH.match(text, end)
        if not step:
            break
        end = step.end()
    while text[end - 1] in _LAST_CHARACTERS:
        end -= 1
    return end


def _is_host(view: View, start: int, domain: _Domain, end: int) -> bool:
    first, last = domain.labels[0], domain.labels[-1]
    if last not in words.ENDINGS or first in words.NOT_DOMAIN:
        return False
    if view.is_changed(start, domain.end):
        return True  # nobody puts brackets around a full stop by chance
    before = view.text[max(0, start - _CUE_CHARACTERS) : start]
    if not {"end", "comma"}.isdisjoint(domain.ways):
        return False
    return (
        end > domain.end
        or first == "www"
        or _SCHEME.search(before) is not None
        or (
            not {"dot", "word"}.isdisjoint(domain.ways)
            and _INVITES.search(before) is not None
        )
    )


# --- handles -------------------------------------------------------------------------

_HANDLE = re.compile(
    rf"(?<![\w.@])(?:{AT}|@ )(?=[\w.]{{0,40}}[_0-9])([^\W\d][\w.]{{1,40}}\w)"
    rf"(?! ?(?:{words.DOT}) )"
)


def _handles(view: View) -> Iterator[Found]:
    if AT not in view.text and "@ " not in view.text:
        return
    for found in _HANDLE.finditer(view.text):
        yield found.start(1), found.end(1), Kind.HANDLE
