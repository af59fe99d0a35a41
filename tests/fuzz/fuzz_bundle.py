"""Give the verifier what nobody should give it: only its own error may come out.

Atheris draws the inputs and keeps those that reach new code. Half of the changes know
what a bundle looks like, and half of those are signed anew, as by an operator who lies.
A bundle that was not signed anew is accepted only if it is one that was handed out.

    PYTHONPATH=src:tests python tests/fuzz/fuzz_bundle.py --seconds 300
"""

import argparse
import itertools
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import atheris

sys.path.insert(0, str(Path(__file__).parents[1]))
with atheris.instrument_imports(include=["assent"]):
    from assent.canon import canonical
    from assent.errors import ProofError
    from assent.merkle.note import read_note
    from assent.merkle.quorum import check_quorum, parse_policy
    from assent.merkle.tlogproof import read_proof
    from assent.receipt.verify import verify_receipt
    from assent.verify import verify_bundle

from bundle_changes import encoded, forms, look, places, put, replacements, write
from sealing import sealed
from small_ledger import ANA, BEN, CEM, KEY, PRESS, UNION, story

LEDGER = story()
POLICY = f"log {KEY}\nwitness union {UNION.key}\nwitness press {PRESS.key}\n"
POLICY += "group any any union press\nquorum any\n"
MODELS = ("model-1", "model-2", "adapted", "child", "clean-child", "silent", "orphan")
WITNESSES = ((), (UNION,), (PRESS,), (UNION, PRESS))
WHOLE = [
    LEDGER.bundle(secret, model, witnesses=witnesses, consent=True)
    for secret, model, witnesses in itertools.product(
        (ANA, BEN, CEM), MODELS, WITNESSES
    )
]
SEEDS = WHOLE[::3]
LONGEST = 1 << 16


def honest() -> set[bytes]:
    """Every bundle that was handed out, with each of its consent states or without."""
    found = set()
    for seed in WHOLE:
        value = json.loads(seed)
        choices = [
            [part, {key: part[key] for key in part if key != "consent"}]
            for part in value["corpora"]
        ]
        for corpora in itertools.product(*choices):
            found.add(canonical({**value, "corpora": list(corpora)}))
    return found


HONEST = honest()


def changed(data: bytes, draw: random.Random) -> bytes:
    """Change one place of a bundle, its value or its writing."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = json.loads(draw.choice(SEEDS))
    at = draw.choice(list(places(value)))
    here = look(value, at)
    if draw.random() < 0.15:
        text = draw.choice(forms(here, json.dumps(here)))
        return write(value, at, lambda _, __: text).encode("utf-8", "surrogatepass")
    if at and draw.random() < 0.3:
        other = json.loads(draw.choice(SEEDS))
        where = draw.choice(list(places(other)))
        return encoded(put(value, at, look(other, where)))
    return encoded(put(value, at, draw.choice(replacements(here))))


def mutate(data: bytes, longest: int, seed: int) -> bytes:
    """Make the next input of a good one, as libFuzzer asks."""
    draw = random.Random(seed)  # noqa: S311 - no secret of anybody
    if draw.random() < 0.5:
        return atheris.Mutate(data, longest)
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        try:
            data = changed(data, draw)
        except (ValueError, RecursionError):  # a text that no encoding has
            data = draw.choice(SEEDS)
    if draw.random() < 0.5:
        data = sealed(data)
    return data[:longest]


def once(data: bytes) -> None:
    """Try one input with every reader of what others wrote."""
    for policy in (None, POLICY):
        try:
            verify_bundle(data, None, policy)
        except ProofError:
            continue
        if data not in HONEST and sealed(data) != data:
            raise AssertionError("a changed bundle was accepted")
    text = data.decode("utf-8", "replace")
    value: Any = None
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        pieces = [text, text, text]
    else:
        wanted = ("tree_head", "policy", "secret")
        fields = value if isinstance(value, dict) else {}
        pieces = [str(fields.get(name, text)) for name in wanted]
    for read in (
        lambda: read_note(pieces[0], "the note"),
        lambda: parse_policy(pieces[1]),
        lambda: check_quorum(pieces[0], parse_policy(POLICY), KEY),
        lambda: read_proof(text),
        lambda: verify_receipt(data),
    ):
        try:
            read()
        except ProofError:
            continue


def main() -> None:
    """Fuzz for so many seconds or inputs; exits with 0 only if nothing was found."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument(
        "--runs", type=int, default=-1, help="inputs; default: no limit"
    )
    parser.add_argument("--found", type=Path, default=Path("fuzz-found"))
    wanted = parser.parse_args()
    wanted.found.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(SEEDS):
            (Path(corpus) / f"seed-{number}").write_bytes(seed)
        flags = [f"-max_total_time={wanted.seconds}", f"-runs={wanted.runs}"]
        flags += [f"-max_len={LONGEST}", f"-artifact_prefix={wanted.found}/"]
        atheris.Setup([sys.argv[0], *flags, corpus], once, custom_mutator=mutate)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
