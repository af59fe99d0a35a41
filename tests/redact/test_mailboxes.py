"""Mailboxes that are named without a domain."""

import pytest

from assent.redact.mailboxes import mailboxes


def named(text):
    return {text[start:end] for start, end, _ in mailboxes(text)}


@pytest.mark.parametrize(
    ("text", "login"),
    [
        ("my gmail is example.kurt82, thanks", "example.kurt82"),
        ("Mein gmx: example_uwe", "example_uwe"),
        ("posteo: example-uwe-3", "example-uwe-3"),
        ("find me under example_lotta7 on fastmail", "example_lotta7 on fastmail"),
        ("name = mona.v, domain = example.org", "mona.v, domain = example.org"),
        ("mona.v, the domain is example.org", "mona.v, the domain is example.org"),
        ("user mona on host example.org", "mona on host example.org"),
    ],
)
def test_a_login_beside_its_provider_is_an_address(text, login):
    assert named(text) == {login}


@pytest.mark.parametrize(
    "text",
    [
        "my gmail is full, and my yahoo is slow",
        "we bought it, the domain example.org, and it is on host example.org",
        "gmail: cannot send from port 587",
        "gmail: smtp.gmail.com refuses",
        "the gmail is v2.1 now",
        "release 2.0 on gmail",
        "tested test_17 on yahoo",
    ],
)
def test_words_about_a_provider_are_left_alone(text):
    assert not named(text)
