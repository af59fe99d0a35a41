import pytest

from assent.redact.fold import fold
from assent.redact.links import find
from assent.redact.spans import Kind


def pieces(text, kind):
    plain = fold([text])
    spans = plain.originals(list(find(plain.text)))
    return {text[start:end] for _, (start, end, its_kind) in spans if its_kind is kind}


@pytest.mark.parametrize(
    "address",
    [
        "192.0.2.7",
        "2001:db8:40:7::",
        "fe80::1%eth0",
        "2001:db8::51%igb0]:51820",
        "１９２．０．２．９０",
    ],
)
def test_the_address_of_a_machine_is_found_whole(address):
    assert pieces(f"it came from [{address} at noon", Kind.IP) == {address}


def test_scripts_without_blanks_hide_no_address():
    assert pieces("接続元は192.0.2.90でした", Kind.IP) == {"192.0.2.90"}


@pytest.mark.parametrize(
    "text",
    [
        "listen on 127.0.0.1, 0.0.0.0 and ::1",
        "See sections 3.1.2.1, 3.1.2.3 and 3.1.2.4.",
        "Kapitel 4.2.1.3 und Version 1.84.1.0",
        "done\n## [1.84.1.0] - 2026-09-02",
        "std::add:: is no network, add:: neither",
    ],
)
def test_every_machine_is_no_machine_and_a_heading_is_none(text):
    assert pieces(text, Kind.IP) == set()


def test_the_account_of_a_program_is_nobody():
    text = "clone git@git.example:acme/widgets, use actions/checkout@v3.1.0 or @v3"

    assert pieces(text, Kind.EMAIL) == set()
    assert pieces("anna@192.0.2.7 and gita@git.example", Kind.EMAIL) == {
        "anna@192.0.2.7",
        "gita@git.example",
    }


@pytest.mark.parametrize(
    "address",
    [
        '"anna smith"@example.com',
        "anna.smith@[192.0.2.44]",
        "anna@[IPv6:2001:db8::7]",
        "anne\n-\nlise@example.com",
        "anna-\nlise@example.com",
        "je ff .birch fi eld@example.com",
        "anna@exam=\nple.org",
        "anna@example com",
    ],
)
def test_an_address_is_found_whole_in_quotes_brackets_and_over_breaks(address):
    assert pieces(f"so {address} it is", Kind.EMAIL) == {address}


def test_quotes_and_breaks_that_are_not_of_an_address_stay():
    text = (
        'say "label"@en, "a" or b@example.com and\n- anna@example.com, fi x@example.com'
    )

    assert pieces(text, Kind.EMAIL) == {
        "b@example.com",
        "anna@example.com",
        "x@example.com",
    }


def test_a_quote_goes_on_behind_a_soft_break():
    text = "he wrote\n> to anna@exam=\nple.org on Monday\nand I did"

    assert pieces(text, Kind.QUOTE) == {"> to anna@exam=\nple.org on Monday"}


def test_a_profile_goes_on_in_the_next_line():
    form = "https://www.example.com/in/\nanna-smith-b"

    assert form in pieces(f"at {form} as\nshown", Kind.URL)
    assert pieces("at https://example.com/\nanna as", Kind.URL) == {
        "https://example.com/"
    }


def test_a_word_of_a_program_is_no_handle():
    text = "@Override, @param and @media, says @anna to @everyone and @media.anna"

    assert pieces(text, Kind.HANDLE) == {"@anna", "@media.anna"}
