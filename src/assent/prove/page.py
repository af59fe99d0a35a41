"""The offline page that checks bundles in a browser, written as one file.

Its texts and limits come from where `assent verify` has its own, so that the two say
the same. The page permits itself its one script and its one style, by their digests,
and no address at all: it cannot send what it reads.
"""

import base64
import hashlib
import json
from importlib.resources import files

from assent import __version__
from assent.merkle import entry, note, sentences, shown, signers
from assent.merkle.commitment import TAG_SCHEME
from assent.verify import BUNDLE_KEYS, FORMAT, LAST_SECOND, MAX_BUNDLE_BYTES

# Of RFC 8032, section 7.1, test 1: the page asks whether the browser knows such a key.
SOME_KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


def page() -> str:
    """Write the page: HTML that loads nothing and sends nothing."""
    folder = files("assent.prove")
    text = folder.joinpath("verify.html").read_text("utf-8")
    style = folder.joinpath("verify.css").read_text("utf-8")
    words = json.dumps(_words()).replace("<", "\\u003c")
    script = f"\nconst TEXT = {words};\n" + folder.joinpath("verify.js").read_text(
        "utf-8"
    )
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; "
        f"style-src '{_digest(style)}'; base-uri 'none'; form-action 'none'"
    )
    for name, value in (
        ("@CSP@", policy),
        ("@VERSION@", __version__),
        ("@STYLE@", style),
        ("@SCRIPT@", script),
    ):
        text = text.replace(name, value, 1)
    return text


def _words() -> dict[str, object]:
    """Gather all that the page must say or know as the verifier does."""
    return {
        "format": FORMAT,
        "bundle_keys": BUNDLE_KEYS,
        "enrolled_keys": shown.ENROLLED_KEYS,
        "public_keys": shown.PUBLIC_KEYS,
        "corpus_keys": entry.CORPUS_KEYS,
        "model_keys": entry.MODEL_KEYS,
        "repair_keys": entry.REPAIR_KEYS,
        "tag_scheme": TAG_SCHEME,
        "max_bytes": MAX_BUNDLE_BYTES,
        "max_entry": entry.MAX_ENTRY_BYTES,
        "max_note": note.MAX_NOTE_CHARACTERS,
        "most_witnesses": signers.MOST_WITNESSES,
        "last_second": LAST_SECOND,
        "some_key": SOME_KEY,
        "steps": dict(sentences.STEPS),
        "unresolved": dict(sentences.UNRESOLVED),
        "verdicts": dict(sentences.VERDICTS),
        "counted": dict(sentences.COUNTED),
        "sources": {
            str(given).lower(): word for given, word in sentences.SOURCES.items()
        },
        "nothing": sentences.NOTHING,
        "none": sentences.NONE,
        "limits": sentences.LIMITS,
        "key_limit": sentences.KEY_LIMIT,
        "alone_limit": sentences.ALONE_LIMIT,
        "witness_limit": sentences.WITNESS_LIMIT,
        "quorum_limit": sentences.QUORUM_LIMIT,
    }


def _digest(text: str) -> str:
    """Name a script or style by its digest, as a content security policy does."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
