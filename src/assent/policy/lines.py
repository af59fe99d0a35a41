"""Where the tables, keys and items of a TOML file stand: its line numbers.

`tomllib` gives values without their lines, and `tomlkit` keeps the text but counts no
lines either, so a small scanner does: it knows strings, comments and brackets, and
trusts that the file was parsed as TOML before.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""'  # strings of several lines come first: they begin alike
    r"|'''.*?'''"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'"
    r"|#[^\n]*"
    r"|[^\"'#\[\]{}\n]+"
    r"|.",
    re.DOTALL,
)
HEADER = re.compile(r"\[\[?\s*[\"']?([^\]\"']+?)[\"']?\s*\]\]?\s*\Z")
KEY = re.compile(r"(\"[^\"]*\"|'[^']*'|[A-Za-z0-9_-]+)\s*[.=]")


@dataclass(frozen=True, slots=True)
class Lines:
    """Line numbers, from 1 on, of what a TOML file says.

    Args:
        places: (table, its number from 1 on, key) -> its first line. The table is
            empty and its number 0 before the first header; the key is empty for a
            header itself.
        items: the same and a text in quotes in the key's value -> its first line.
    """

    places: Mapping[tuple[str, int, str], int]
    items: Mapping[tuple[str, int, str, str], int]

    def of(
        self, table: str = "", number: int = 0, key: str = "", item: str = ""
    ) -> int:
        """Find the line of an item, else of its key, its table, or the first line.

        Args:
            table: such as `allow`; empty for the keys before the first header.
            number: which of the tables of this name, from 1 on; 0 before the first.
            key: in the table.
            item: a text in the key's value.
        """
        places = [(table, number, key), (table, number, "")]
        # A table may be written as a key, and a key as a table.
        places += [("", 0, table), (key, 1, "")]
        for owner in (places[0], places[2]):
            if (*owner, item) in self.items:
                return self.items[*owner, item]
        return next((self.places[each] for each in places if each in self.places), 1)


def scan(text: str) -> Lines:
    """Find where everything stands in a text that is TOML."""
    places: dict[tuple[str, int, str], int] = {}
    items: dict[tuple[str, int, str, str], int] = {}
    counts: dict[str, int] = {}
    table = ""
    for first, statement, texts in _statements(text):
        if header := HEADER.match(statement):
            table = header[1]
            counts[table] = counts.get(table, 0) + 1
            places[table, counts[table], ""] = first
        elif key := KEY.match(statement):
            place = (table, counts.get(table, 0), key[1].strip("\"'"))
            places.setdefault(place, first)
            for line, found in texts:
                items.setdefault((*place, found), line)
    return Lines(places, items)


def _statements(text: str) -> Iterator[tuple[int, str, list[tuple[int, str]]]]:
    """Split a text where a line ends outside of strings and brackets.

    Yields:
        The first line, the statement without comments, and (line, text) of what
        stands in quotes.
    """
    line = first = 1
    depth, parts = 0, ""
    texts: list[tuple[int, str]] = []
    for token in (match[0] for match in TOKEN.finditer(text + "\n")):
        if token == "\n" and depth == 0:
            if parts.strip():
                yield first, parts.strip(), texts
            parts, first, texts = "", line + 1, []
        elif not token.startswith("#"):
            depth += (token in ("[", "{")) - (token in ("]", "}"))
            parts += token
            if token[0] in "\"'":
                texts.append((line, token[1:-1]))
        line += token.count("\n")
