"""The same meaning has the same bytes, and no two meanings share them."""

import hashlib
import hmac
import json
import math

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from assent.canon import canonical, digest, keyed, sha256

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    # A whole float from 2**53 on is written as an integer that JSON cannot keep.
    | st.floats(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4
        )
    ),
    max_leaves=12,
)


def test_keys_are_sorted_and_nothing_is_left_to_taste():
    value = {"b": [1, 2.0, "\u20ac\n"], "a": None, "\u00e4": True}

    assert canonical(value) == (
        '{"a":null,"b":[1,2,"\u20ac\\n"],"\u00e4":true}'.encode()
    )


def test_keys_are_sorted_by_utf_16_as_the_source_says():
    # RFC 8785, section 3.2.3: U+1F600 is a surrogate pair, so it stands before U+FB33.
    value = {"\ufb33": 1, "\U0001f600": 2}

    assert canonical(value).startswith('{"\U0001f600"'.encode())


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        (0.0, b"0"), (-0.0, b"0"), (1e21, b"1e+21"), (1e-7, b"1e-7"),
        (333333333.33333329, b"333333333.3333333"), (5e-324, b"5e-324"),
        (2**53 - 1, b"9007199254740991"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_the_source_says(number, wanted):
    assert canonical(number) == wanted


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, 2**53 + 1, -(2**60), {1: "x"}, b"bytes", {1, 2}],
)
def test_what_json_cannot_say_is_refused(value):
    with pytest.raises(ValueError, match=r".*"):
        canonical(value)
    with pytest.raises(ValueError, match=r".*"):
        digest([value])


def test_a_lone_surrogate_is_no_text():
    with pytest.raises(ValueError, match="non-UTF-8"):
        canonical("\ud800")


@given(JSON)
def test_what_is_written_is_read_back_and_written_the_same(value):
    written = canonical(value)

    assert json.loads(written) == value
    assert canonical(json.loads(written)) == written


@given(st.dictionaries(st.text("abc\u00e9\u4e2d"), st.integers(0, 9)), st.randoms())
def test_the_order_of_keys_does_not_matter(value, random):
    shuffled = dict(random.sample(list(value.items()), len(value)))

    assert digest(shuffled) == digest(value)


def test_hashes_are_the_published_ones():
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    assert sha256(b"") == empty
    assert sha256(b"abc").startswith("ba7816bf8f01cfea")
    assert digest({}) == hashlib.sha256(b"{}").hexdigest()


def test_a_keyed_digest_is_hmac_over_label_and_lengths():
    message = b"assent/v1/tag" + b"\0" + bytes(7) + b"\x02" + b"ab" + bytes(9)

    assert keyed(b"k" * 32, "tag", b"ab", b"") == (
        hmac.new(b"k" * 32, message, hashlib.sha256).digest()
    )


@given(st.binary(max_size=130), st.binary(max_size=200))
def test_a_keyed_digest_is_hmac_for_a_key_of_any_length(key, part):
    message = b"assent/v1/tag\0" + len(part).to_bytes(8, "big") + part

    assert keyed(key, "tag", part) == hmac.digest(key, message, "sha256")
    full = key.ljust(32, b"x")[:32]
    assert keyed(full, "tag", part) == hmac.digest(full, message, "sha256")


def test_no_two_uses_share_a_keyed_digest():
    key = bytes(range(32))
    results = [
        keyed(key, "tag"),
        keyed(key, "tag", b""),
        keyed(key, "tag", b"", b""),
        keyed(key, "tag", b"ab"),
        keyed(key, "tag", b"a", b"b"),
        keyed(key, "tag", b"b", b"a"),
        keyed(key, "tag", b"", b"ab"),
        keyed(key, "tagab"),
        keyed(key, "taga", b"b"),
        keyed(bytes(32), "tag", b"ab"),
    ]

    assert len(set(results)) == len(results)
    assert {len(each) for each in results} == {32}


@given(st.lists(st.binary(max_size=6)), st.lists(st.binary(max_size=6)))
def test_only_the_same_parts_have_the_same_keyed_digest(first, second):
    key = bytes(32)
    same = keyed(key, "x", *first) == keyed(key, "x", *second)

    assert same == (first == second)


@given(JSON)
def test_what_is_written_fast_is_what_the_source_says(value):
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("number", [2**53 - 1, -(2**53) + 1])
def test_the_largest_whole_numbers_are_written(number):
    assert canonical({"number": number}) == rfc8785.dumps({"number": number})


@pytest.mark.parametrize(
    "text", ["\x00\x1f\x7f", '\\"/', "\b\t\n\f\r", "\u2028\u2029", "\ufeff\ud7ff\ue000"]
)
def test_texts_are_escaped_as_the_source_says(text):
    assert canonical({text: text}) == rfc8785.dumps({text: text})


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, 2**53, [-(2**53)]])
def test_what_has_no_form_is_refused_by_whoever_writes_it(value):
    for write in (canonical, rfc8785.dumps):
        with pytest.raises(ValueError):  # noqa: PT011 - any of its kinds
            write(value)
