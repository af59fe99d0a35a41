"""Read a Stack Exchange data dump as documents and subjects.

`Users.xml`, `Posts.xml` and `Comments.xml` are streamed: memory is one batch, and for
the mentions a handle a user and an owner a post. What becomes of what:

- a user is a subject `u<Id>`; user -1 ("Community") and other ids below 1 are no
  persons. `AboutMe` is a document of category `profile`, as old as the account;
- a post of any kind is a document of category `post` by its owner. Other people's
  edits of it are not told apart: the dump has the last state, not who wrote what;
- a comment is a document of category `comment`, a reply to its post;
- no owner (a deleted account) is subject null, which no policy can permit. The name
  that the dump keeps beside it (`OwnerDisplayName`) is not read: it has no subject.

The dump knows no age (an old one has `Age`) and no tier.
"""

import re
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers import expat

import pyarrow as pa

from assent.errors import CorpusError
from assent.sources.countries import country_of
from assent.sources.schema import DOCUMENTS, SUBJECTS
from assent.terms import micros

BATCH = 8_192  # rows
CHUNK = 1 << 18  # bytes of XML parsed at once
THREADS = 65_536  # threads whose participants are remembered, the latest ones
ADULT, MINOR = 19, 18  # of an age in years at the dump: at least, less than

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z?\Z")
OPEN = re.compile(r"<(?=[^<>]*(?:<|\Z))")
MENTION = re.compile(r"(?<![\w@])@(\w[\w.\-']*)")
# Tags that end a paragraph where they begin and where they end.
# fmt: off
BLOCKS = frozenset([
    "blockquote", "dd", "div", "dl", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
    "li", "ol", "p", "pre", "table", "td", "th", "tr", "ul",
])
# fmt: on
DEEPEST = 8  # levels of quotes that are told apart, or marks outgrow the text
SHORTEST = 3  # letters of a handle that Stack Exchange takes for a mention


class Row(NamedTuple):
    """One `<row .../>`: its file, its number from 1, its attributes."""

    file: str
    number: int
    values: Mapping[str, str]


def read(folder: Path) -> tuple[Iterator[pa.RecordBatch], Iterator[pa.RecordBatch]]:
    """Stream a dump as batches of documents and batches of subjects.

    Each of the two can be read alone, once. Duplicate ids are found where the batches
    are written (`parquet.write_tables`).

    Args:
        folder: holds `Users.xml`, `Posts.xml` and `Comments.xml`.

    Returns:
        Batches of `schema.DOCUMENTS` and batches of `schema.SUBJECTS`.

    Raises:
        CorpusError: a file is missing, cut off, not a dump's, declares a document
            type, or has a row without what it needs; the file and row are named.
    """
    for name in ("Users.xml", "Posts.xml", "Comments.xml"):
        if not (folder / name).is_file():
            raise CorpusError(
                f"`{name}` is missing in the folder of the dump",
                hint="unpack the archive of one site and name that folder",
            )
    return (
        _batches(_documents(folder), DOCUMENTS),
        _batches(_subjects(folder), SUBJECTS),
    )


def _batches(
    rows: Iterator[dict[str, Any]], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    while some := list(islice(rows, BATCH)):
        yield pa.RecordBatch.from_pylist(some, schema=schema)


# --- rows -> documents and subjects


def _subjects(folder: Path) -> Iterator[dict[str, Any]]:
    for row in rows_of(folder / "Users.xml", "users"):
        number = _integer(row, "Id")
        if number >= 1:
            name = row.values.get("DisplayName", "").strip()
            url = row.values.get("WebsiteUrl", "").strip()
            yield {
                "subject_id": f"u{number}",
                "country": country_of(row.values.get("Location")),
                "age_band": _age_band(row.values.get("Age")),
                "names": [name] if name else [],
                "handles": [handle] if (handle := _handle(name)) else [],
                "urls": [url] if url else [],
            }


def _documents(folder: Path) -> Iterator[dict[str, Any]]:
    mentions = _Mentions()
    for row in rows_of(folder / "Users.xml", "users"):
        number = _integer(row, "Id")
        if number >= 1:
            mentions.add_user(number, row.values.get("DisplayName", ""))
            if row.values.get("AboutMe"):
                yield _document(
                    row, "profile", number, number, plain_text(row.values["AboutMe"])
                )
    for row in rows_of(folder / "Posts.xml", "posts"):
        number, owner = _integer(row, "Id"), _person(row, "OwnerUserId")
        mentions.add_post(number, owner)
        title = row.values.get("Title", "").strip()
        body = plain_text(row.values.get("Body", ""))
        text = f"{title}\n\n{body}" if title else body
        parent = _integer(row, "ParentId") if "ParentId" in row.values else None
        asked = None if parent is None else mentions.owner(parent)
        yield {
            **_document(row, "post", number, owner, text),
            "in_reply_to": None if parent is None else f"post-{parent}",
            "near": [] if asked is None else [f"u{asked}"],
        }
    for row in rows_of(folder / "Comments.xml", "comments"):
        number, author = _integer(row, "Id"), _person(row, "UserId")
        post, text = _integer(row, "PostId"), row.values.get("Text", "")
        near = [f"u{user}" for user in mentions.people(post)]
        yield {
            **_document(row, "comment", number, author, text),
            "in_reply_to": f"post-{post}",
            "mentions": [f"u{user}" for user in mentions.found(post, author, text)],
            "near": near,
        }


def _document(
    row: Row, category: str, number: int, author: int | None, text: str
) -> dict[str, Any]:
    return {
        "document_id": f"{category}-{number}",
        "subject_id": None if author is None else f"u{author}",
        "category": category,
        "created_at": _time(row),
        "text": text,
        "in_reply_to": None,
        "mentions": [],
        "near": [],
    }


def _integer(row: Row, name: str) -> int:
    value = row.values.get(name)
    if value is None or not re.fullmatch(r"-?[0-9]{1,18}", value):
        found = "no" if value is None else "a malformed"
        raise CorpusError(
            f"row {row.number} of `{row.file}` has {found} {name}, wanted an integer",
            hint="get the dump again; a row is never skipped in silence",
        )
    return int(value)


def _person(row: Row, name: str) -> int | None:
    """Read a user's number; None where there is none, or it is no person's."""
    number = _integer(row, name) if name in row.values else 0
    return number if number >= 1 else None


def _time(row: Row) -> int:
    """Read `CreationDate`: Stack Exchange writes UTC without saying so."""
    value = row.values.get("CreationDate", "")
    try:
        if not DATE.match(value):
            raise ValueError(value)
        return micros(datetime.fromisoformat(value.rstrip("Z")).replace(tzinfo=UTC))
    except ValueError as error:
        found = "a malformed" if value else "no"
        raise CorpusError(
            f"row {row.number} of `{row.file}` has {found} CreationDate, wanted one "
            "such as 2018-03-09T18:48:09.477",
            hint="get the dump again; a row is never skipped in silence",
        ) from error


def _age_band(age: str | None) -> str | None:
    """Read the age of an old dump; 18 says nothing about the years before the dump."""
    if age is None or not re.fullmatch(r"[0-9]{1,3}", age):
        return None
    if int(age) >= ADULT:
        return "adult"
    return "minor" if int(age) < MINOR else None


def _handle(name: str) -> str:
    """Write a display name as `@` mentions write it: without spaces."""
    return "".join(name.split())


# --- mentions


class _Mentions:
    """Who is meant by `@name` in a comment.

    First the people of the thread, as Stack Exchange does it: the post's owner and
    whoever commented before, by a handle that begins with the name (3 letters at
    least), when that is one person. Else the one user of the whole site with exactly
    this handle. Else nobody: a wrong person is worse than none, for she would be asked
    for what she never was part of; the directory of names still removes the words.

    A dump's comments are sorted by number, not by thread, so the participants of the
    latest threads are kept; of an older thread only the owner is known again.
    """

    def __init__(self) -> None:
        self.handles: dict[int, str] = {}
        self.users: dict[str, int] = {}  # -> user, or 0 for several
        self.owners = array("q")  # by number of the post; 0 for none
        self.threads: OrderedDict[int, dict[int, None]] = OrderedDict()

    def add_user(self, user: int, name: str) -> None:
        handle = _handle(name).casefold()
        self.handles[user] = handle
        self.users[handle] = 0 if handle in self.users else user

    def add_post(self, post: int, owner: int | None) -> None:
        if owner is None or not 0 <= post < 1 << 31:
            return  # an absurd number must not become an absurd amount of memory
        if post >= len(self.owners):
            self.owners.frombytes(bytes(8 * (post + 1 - len(self.owners))))
        self.owners[post] = owner

    def found(self, post: int, author: int | None, text: str) -> list[int]:
        """List the users that a comment mentions, then count its author as one."""
        people = self.people(post)
        names = [each.rstrip(".-'").casefold() for each in MENTION.findall(text)]
        found = [self._one(name, people) for name in names if len(name) >= SHORTEST]
        if author is not None:
            people[author] = None
        return [user for user in dict.fromkeys(found) if user and user != author]

    def _one(self, name: str, people: Iterable[int]) -> int:
        name = re.sub(r"'s\Z", "", name)
        near = [user for user in people if self.handles.get(user, "").startswith(name)]
        exact = [user for user in near if self.handles[user] == name]
        if len(near) == 1 or len(exact) == 1:
            return (exact or near)[0]
        return 0 if near else self.users.get(name, 0)

    def owner(self, post: int) -> int | None:
        """Who wrote a post; None when nobody knows."""
        known = 0 <= post < len(self.owners)
        return self.owners[post] or None if known else None

    def people(self, post: int) -> dict[int, None]:
        """Who takes part under a post so far: its owner, and who commented before."""
        people = self.threads.setdefault(post, {})
        if not people and (owner := self.owner(post)) is not None:
            people[owner] = None
        self.threads.move_to_end(post)
        if len(self.threads) > THREADS:
            self.threads.popitem(last=False)
        return people


# --- HTML


def plain_text(html: str) -> str:
    """Write a post's HTML as the text that a person reads, links spelled out.

    Paragraphs are parted by an empty line, code keeps its lines, a quoted block is
    lines that begin with `> ` (once for each level), a link is `label (URL)`, so that
    whatever names a person in a link is still there to be removed.
    """
    reader = _Text()
    # A tag that is never closed is text; the parser would look for its end again and
    # again, in quadratic time.
    reader.feed(OPEN.sub("&lt;", html))
    reader.close()
    return reader.finished()


class _Text(HTMLParser):
    """Collects the words of one block after the other."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = []
        self.words: list[str] = []
        self.links: list[
            tuple[str, int]
        ] = []  # target, index of the label's first word
        self.quotes = self.code = self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in BLOCKS:
            self._end_block()
        if tag == "blockquote":
            self.quotes += 1
        elif tag == "pre":
            self.code += 1
        elif tag in self.CDATA_CONTENT_ELEMENTS:
            self.hidden += 1
        elif tag == "br":
            self.words.append("\n")
        elif tag == "li":
            self.words.append("- ")
        elif tag == "a":
            self.links.append((values.get("href", ""), len(self.words)))
        elif tag == "img":
            self.words.append(_link(values.get("alt", ""), values.get("src", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self._end_block()
        if tag == "blockquote":
            self.quotes = max(self.quotes - 1, 0)
        elif tag == "pre":
            self.code = max(self.code - 1, 0)
        elif tag in self.CDATA_CONTENT_ELEMENTS:
            self.hidden = max(self.hidden - 1, 0)
        elif tag == "a" and self.links:
            target, start = self.links.pop()
            self.words[start:] = [_link("".join(self.words[start:]), target)]

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(data if self.code else re.sub(r"\s+", " ", data))

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """Skip `<![...>`: the standard parser asserts that nobody writes it."""
        end = self.rawdata.find(">", i)
        return end + 1 if end >= 0 else -1

    def finished(self) -> str:
        while self.links:  # left open: the target must not get lost
            self.handle_endtag("a")
        self._end_block()
        return "\n\n".join(self.blocks)

    def _end_block(self) -> None:
        text, self.words = "".join(self.words), []
        if self.code:
            lines = [line.rstrip() for line in text.strip("\n").split("\n")]
        else:
            lines = [" ".join(line.split()) for line in text.strip().split("\n")]
        mark = "> " * min(self.quotes, DEEPEST)
        if any(lines):
            self.blocks.append("\n".join(mark + line for line in lines))


def _link(label: str, target: str) -> str:
    label, target = label.strip(), target.strip()
    if not target or target.startswith("#") or target == label:
        return label
    return f"{label} ({target})" if label else target


# --- XML


def rows_of(path: Path, root: str) -> Iterator[Row]:
    """Stream the rows of one file of a dump in constant memory.

    A document type is refused, so no entity can be declared: nothing outside is read
    and nothing grows (the "billion laughs").

    Args:
        path: the XML file, with or without a byte order mark.
        root: name of the one element that holds the rows.

    Raises:
        CorpusError: the file is cut off, is not XML, or is another kind of file.
    """
    reader = _Reader(path.name, root)
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            reader.feed(chunk)
            yield from reader.taken()
        reader.feed(b"", final=True)
        yield from reader.taken()


class _Reader:
    """The expat callbacks of one file, and the rows they have found so far."""

    def __init__(self, file: str, root: str) -> None:
        self.file, self.root = file, root
        self.depth = self.count = 0
        self.rows: list[Row] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, chunk: bytes, final: bool = False) -> None:
        try:
            self.parser.Parse(chunk, final)
        except expat.ExpatError as error:
            raise self._broken(
                f"is cut off or not XML ({expat.errors.messages[error.code]})"
            ) from error

    def taken(self) -> list[Row]:
        rows, self.rows = self.rows, []
        return rows

    def _start(self, tag: str, values: dict[str, str]) -> None:
        wanted = (self.root, "row")[self.depth] if self.depth < 2 else "nothing inside"
        if tag != wanted:
            raise self._broken(f"has an element `{tag:.40}`, wanted `{wanted}`")
        if self.depth == 1:
            self.count += 1
            self.rows.append(Row(self.file, self.count, values))
        self.depth += 1

    def _end(self, _: str) -> None:
        self.depth -= 1

    def _doctype(self, *_: object) -> None:
        raise self._broken("declares a document type, which a dump never does")

    def _broken(self, what: str) -> CorpusError:
        return CorpusError(
            f"`{self.file}` {what} after row {self.count}",
            hint="download and unpack the dump again",
        )
