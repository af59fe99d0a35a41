"""Clean text for a base: manuals and dictionaries under licences nobody can take back.

From Debian's packages, which `apt-get download` brings, and from Python's own help.
"""

import gzip
import html
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from pydoc_data import topics

PROVENANCE = (
    "manuals and dictionaries of Debian 12 (perl-doc, debian-handbook, "
    "debian-reference-en, developers-reference, debian-faq, manpages, dict-foldoc, "
    "dict-jargon) and Python's help topics: GPL, GFDL, Artistic, PSF, public domain"
)


def write(folder: Path) -> list[Path]:
    """Write one text a package. Returns: the files, in order."""
    (folder / "debs").mkdir(parents=True)
    command = ["apt-get", "-qq", "download", *SOURCES]
    done = subprocess.run(
        command, cwd=folder / "debs", check=False, capture_output=True
    )
    if done.returncode:
        sys.exit(
            "error: the packages with clean text cannot be downloaded\n"
            "hint: this measurement needs Debian 12, and `apt-get update` before it"
        )
    files = []
    for package, (pattern, plain, share) in SOURCES.items():
        [deb] = (folder / "debs").glob(f"{package}_*.deb")
        subprocess.run(["dpkg-deb", "-x", deb, folder / package], check=True)
        found = sorted((folder / package / "usr/share").glob(pattern))
        text = "\n\n".join(plain(_read(path)) for path in found)
        files.append(folder / f"{package}.txt")
        files[-1].write_text(text[: int(len(text) * share)], encoding="utf-8")
    files.append(folder / "python.txt")
    files[-1].write_text("\n\n".join(topics.topics.values()), encoding="utf-8")
    return files


def _read(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix in {".gz", ".dz"}:
        data = gzip.decompress(data)
    return data.decode(errors="replace")


def _of_html(text: str) -> str:
    text = re.sub(r"(?is)<(script|style|head)\b.*?</\1>|<[^>]+>", "", text)
    return _tight(html.unescape(text))


def _of_pod(text: str) -> str:
    text = re.sub(r"[BCFILSX]<+\s?([^<>]*?)\s?>+", r"\1", text)
    return _tight(re.sub(r"(?m)^=\w+ ?", "", text))


def _of_roff(text: str) -> str:
    text = re.sub(r'(?m)^\.\\".*\n|^\.[A-Za-z]+ ?|\\f[BIRP]|\\&', "", text)
    return _tight(text.replace("\\-", "-"))


def _tight(text: str) -> str:
    return re.sub(r"\n\s*\n+", "\n\n", re.sub(r"[ \t]+", " ", text))


SOURCES: dict[str, tuple[str, Callable[[str], str], float]] = {
    "perl-doc": ("perl/*/pod/*.pod", _of_pod, 1.0),
    "debian-handbook": ("doc/debian-handbook/html/en-US/*.html", _of_html, 1.0),
    "debian-reference-en": ("**/*.en.html", _of_html, 1.0),
    "developers-reference": ("developers-reference/*.html", _of_html, 1.0),
    "debian-faq": ("doc/debian/FAQ/[!.]*.en.html", _of_html, 1.0),
    "dict-foldoc": ("dictd/foldoc.dict.dz", _tight, 0.4),
    "dict-jargon": ("dictd/jargon.dict.dz", _tight, 1.0),
    "manpages": ("man/man[1-9]/*.gz", _of_roff, 0.3),
}
"""By package: its files, how they become plain text, and how much of it is read."""
