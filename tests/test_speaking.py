"""Speaking on: what may speak is decided again while a text is written."""

import pytest

from assent.errors import UsageError
from assent.project.speaking import LOOK_EVERY, Said, Speaker, Wanted
from small_project import opened, somebody

pytest_plugins = ("toy_projects",)


class Seconds:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def project(toy):
    with opened(toy, 1) as made:
        yield made


def said(speaker, prompt="u01 wrote", count=40, **wanted):
    state = Said()
    pieces = list(speaker.speak(Wanted(prompt, count, **wanted), state))
    return "".join(pieces), state


def test_it_says_what_ask_says(project):
    text, state = said(Speaker(project.place), seed=5, temperature=0.7)

    assert text == project.ask("u01 wrote", size=40, seed=5, temperature=0.7).text
    assert len(state.tokens) == 40
    assert state.read == len("u01 wrote")
    assert state.ended == "length"


def test_it_ends_before_a_text_to_stop_at_and_shows_none_of_it(project):
    speaker = Speaker(project.place)
    whole, _ = said(speaker, seed=5, temperature=0.0)
    stop = whole[10:13]

    text, state = said(speaker, seed=5, temperature=0.0, stop=("never", stop))

    assert text == whole[: whole.index(stop)]
    assert state.ended == "stop"


def test_a_suspension_counts_at_the_next_token(project):
    clock = Seconds()
    speaker = Speaker(project.place, clock)
    before = speaker.serving()
    pieces = speaker.speak(Wanted("u01 wrote", 30, seed=2), Said())
    next(pieces)
    project.suspend("order-1", ["US"])
    assert speaker.serving() is before  # not looked at again yet
    clock.now += LOOK_EVERY
    next(pieces)

    assert speaker.serving().groups == ("de-fr",)
    assert speaker.suspended == {"us": "order-1"}
    list(pieces)
    project.lift("order-1")
    clock.now += LOOK_EVERY
    assert speaker.serving().groups == ("de-fr", "us")


def test_who_withdraws_is_silent_and_a_repaired_model_speaks(project):
    clock = Seconds()
    speaker = Speaker(project.place, clock)
    old = speaker.model_id
    project.record("withdrawn", [somebody(project, "us", 1)])
    clock.now += LOOK_EVERY
    assert speaker.serving().groups == ("de-fr",)
    assert speaker.quarantined == (("us", 0),)
    project.forget()
    clock.now += LOOK_EVERY

    assert speaker.model_id != old
    assert speaker.serving().groups == ("de-fr", "us")


def test_with_nobody_left_the_clean_base_speaks(project):
    speaker = Speaker(project.place)
    project.suspend("order-1", ["US", "DE", "FR"])

    assert speaker.serving().clean_base
    assert said(speaker)[1].ended == "length"


def test_where_it_cannot_be_decided_nothing_is_said(project, monkeypatch):
    clock = Seconds()
    speaker = Speaker(project.place, clock)
    pieces = speaker.speak(Wanted("u01", 9), Said())
    next(pieces)
    project.suspend("order-1", ["US"])
    clock.now += LOOK_EVERY

    def broken(*_):
        raise OSError("a disk is gone")

    monkeypatch.setattr("assent.project.speaking.served_now", broken)
    with pytest.raises(OSError, match="a disk is gone"):
        list(pieces)
    monkeypatch.undo()
    assert speaker.serving().groups == ("de-fr",)


@pytest.mark.parametrize(
    "wanted",
    [
        {"count": -1},
        {"temperature": -0.5},
        {"temperature": float("nan")},
        {"seed": -1},
        {"stop": ("",)},
        {"prompt": "\ud800"},
    ],
)
def test_what_cannot_be_answered_is_refused(wanted):
    with pytest.raises(UsageError):
        Wanted(**{"prompt": "x", "count": 1} | wanted)
