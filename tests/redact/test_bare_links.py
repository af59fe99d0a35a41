import pytest

from assent.redact.bare_links import bare
from assent.redact.spans import Kind


def found(text):
    return [text[start:end] for start, end, kind in bare(text) if kind is Kind.URL]


@pytest.mark.parametrize(
    "link",
    [
        "linkedin.com/in/anna-lee",
        "mx.linkedin.com/in/anna",
        "GitHub.com/Anna",
        "social.example/@anna",
        "facebook.com/profile.php?id=100",
        "example.org:8080/~anna",
        "example.com?user=anna",
        "t.me/anna",
        "telegram.me/anna",
        "www.twitch.tv/anna",
        "münchen.example/anna",
    ],
)
@pytest.mark.parametrize(
    "frame", ["{}", "see {}.", "({})", '"{}", he said', "at:\n{}\n"]
)
def test_a_host_with_something_on_it_is_a_link(link, frame):
    assert found(frame.format(link)) == [link]


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com/anna",  # has a scheme, and is found by it
        "anna@example.com/home",
        "src/example.com/main.go",
        "linkedin.com, example.com.",
        "either in.it/or not at.me/all",
        "a.b/c, TCP.IP/x, e.g./i.e., 3.5/4",
        "node.js/express and os.path/join",
        ".com/",
        "example.com/",
        "example.com\0/anna",
    ],
)
def test_what_is_no_link_of_its_own_is_left(text):
    assert found(text) == []


@pytest.mark.parametrize("piece", ["a.com/", ".com", "a.", "a.com?", "-.com/x ", "a"])
def test_a_long_hostile_text_ends(piece):
    text = piece * 50_000

    assert all(end <= len(text) for _, end, _ in bare(text))
