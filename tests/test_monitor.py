"""A monitor against logs that lie: each attack is carried out and found."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from assent.canon import canonical
from assent.errors import LedgerError, ProofError, UsageError
from assent.ledger.publish import publish_log
from assent.merkle.cosign import cosign, cosigner_key
from assent.merkle.log import leaf_hash
from assent.merkle.strict import base64_text
from assent.monitor.evidence import PROVED, check_evidence
from assent.monitor.follow import monitor_of
from assent.monitor.source import UnreachableError
from small_ledger import corpus_body
from small_log import KEY, STRANGER, SmallLog, entry, published, site

__all__ = ["site"]
NOW = 1_780_000_000_000_000
SECOND = 1_000_000
WITNESSES = [
    (f"w{n}.example", Ed25519PrivateKey.from_private_bytes(bytes([n] * 32)))
    for n in (1, 2, 3)
]


class Follower:
    """A monitor with its files in a folder."""

    def __init__(self, url, folder, **options):
        self.folder, self.url = folder, url
        self.state = folder / "state.json"
        self.options = options
        self.now = NOW

    def look(self, **options):
        self.now += SECOND
        options = {**self.options, **options}
        return monitor_of(self.url, KEY, self.state, **options).run(self.now)

    def finds(self, *kinds, **options):
        """Look, find exactly these kinds, and check each piece of evidence."""
        seen = self.look(**options)
        assert [finding.kind for finding, _ in seen.findings] == list(kinds)
        for finding, name in seen.findings:
            data = (self.folder / "state.json.evidence" / name).read_bytes()
            shown = check_evidence(data, KEY)
            assert (shown.kind, shown.says) == (finding.kind, finding.says)
            assert shown.proved == (finding.kind in PROVED)
        return seen

    def accepted(self):
        note = json.loads(self.state.read_text())["note"]
        return int(note.splitlines()[1])


@pytest.fixture
def follower(site, tmp_path):
    (tmp_path / "watch").mkdir()
    return Follower(site.url, tmp_path / "watch")


def replaced(site, made):
    """Serve another log, whatever was served before: what a liar does."""
    for path in sorted(site.folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    publish_log(made, site.folder)


def test_an_honest_log_that_grows_is_well(site, follower):
    made = published(site.folder, 0)
    for step in (0, 1, 0, 254, 1, 300, 7):
        publish_log(made.grow(step), site.folder)
        seen = follower.look()
        assert seen.is_well
        assert seen.size == made.size == follower.accepted()
        assert seen.before == made.size - step
    assert not (follower.folder / "state.json.evidence").exists()


def test_only_new_entries_are_read_again(site, follower):
    made = published(site.folder, 600)
    follower.look()
    site.asked.clear()
    publish_log(made.grow(10), site.folder)

    follower.look()

    assert [name for name in site.asked if "entries" in name] == [
        "tile/entries/002.p/98"
    ]


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_split_view_over_time_is_found(site, follower, mirrored):
    mirror = follower.folder / "mirror" if mirrored else None
    made = published(site.folder, 300)
    follower.look(mirror=mirror)
    replaced(site, made.rewritten(270))

    seen = follower.finds("split_view", mirror=mirror)

    says = seen.findings[0][0].says
    assert says.startswith("the log shows two histories of its first 300 entries")
    assert says.endswith("is entry 270") == mirrored
    assert follower.accepted() == 300
    follower.finds("split_view", mirror=mirror)  # and again, as long as it lasts


def test_a_split_view_needs_no_tiles_to_be_found(site, follower):
    made = published(site.folder, 300)
    follower.look()
    (site.folder / "checkpoint").write_text(made.rewritten(0).note())

    follower.finds("split_view")


@pytest.mark.parametrize(("here", "there"), [(300, 300), (300, 900), (900, 300)])
def test_a_split_view_between_two_places_is_found(
    site, follower, tmp_path, here, there
):
    made = published(site.folder, here)
    liar = SmallLog(max(here, there)).rewritten(299)
    other = SmallLog().append(*liar.held[:there])
    publish_log(other, tmp_path / "other")

    seen = follower.finds("split_view", compare=str(tmp_path / "other"))

    assert "first 300 entries" in seen.findings[0][0].says
    assert not follower.state.exists()
    assert made.size == here


@pytest.mark.parametrize(("here", "there"), [(300, 300), (300, 900), (900, 300)])
def test_two_places_of_which_one_is_behind_are_well(
    site, follower, tmp_path, here, there
):
    published(site.folder, here)
    published(tmp_path / "other", there)

    assert follower.look(compare=str(tmp_path / "other")).is_well


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_rollback_is_found(site, follower, mirrored):
    mirror = follower.folder / "mirror" if mirrored else None
    published(site.folder, 600)
    follower.look(mirror=mirror)
    replaced(site, SmallLog(300))

    seen = follower.finds("rollback", mirror=mirror)

    says = seen.findings[0][0].says
    assert says == "the log has 300 entries now; it had 600 before"
    assert follower.accepted() == 600


def test_a_rollback_to_another_history_is_both(site, follower):
    mirror = follower.folder / "mirror"
    made = published(site.folder, 600)
    follower.look(mirror=mirror)
    replaced(site, SmallLog().append(*made.rewritten(3).held[:300]))

    follower.finds("rollback", "split_view", mirror=mirror)


def test_a_log_that_comes_back_after_a_rollback_is_well_again(site, follower):
    made = published(site.folder, 600)
    follower.look()
    replaced(site, SmallLog(300))
    follower.finds("rollback")
    replaced(site, made.grow(5))

    assert follower.look().is_well


@pytest.mark.parametrize("index", [0, 255, 256, 511, 599])
def test_a_rewritten_entry_is_found_and_named(site, follower, index):
    mirror = follower.folder / "mirror"
    made = published(site.folder, 600)
    follower.look(mirror=mirror)
    replaced(site, made.rewritten(index).grow(50))

    seen = follower.finds("rewritten", mirror=mirror)

    says = seen.findings[0][0].says
    assert "the first 600 are not those of before" in says
    assert says.endswith(f"the first that differs is entry {index}")
    assert follower.accepted() == 600


def test_a_rewritten_entry_is_found_without_a_copy(site, follower):
    made = published(site.folder, 600)
    follower.look()
    replaced(site, made.rewritten(17).grow(50))

    seen = follower.finds("rewritten")

    assert "entry 17" not in seen.findings[0][0].says


def test_a_removed_entry_is_found_when_the_log_grows_over_it(site, follower):
    made = published(site.folder, 600)
    follower.look()
    held = [*made.held[:100], *made.held[101:]]
    replaced(site, SmallLog().append(*held).grow(50))

    follower.finds("rewritten")


@pytest.mark.parametrize(
    "name",
    [
        *("tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2"),
        *("tile/entries/001", "tile/entries/002.p/88"),
    ],
)
@pytest.mark.parametrize(
    "whole", [lambda d: bytes([d[0] ^ 1]) + d[1:], lambda d: d[:-1]]
)
def test_a_file_that_does_not_match_is_found(site, follower, name, whole):
    published(site.folder, 600)
    (site.folder / name).write_bytes(whole((site.folder / name).read_bytes()))

    seen = follower.finds("tile")

    assert name in seen.findings[0][0].says
    assert not follower.state.exists()


def test_a_file_that_was_changed_later_is_found_by_reading_the_whole(site, follower):
    published(site.folder, 600)
    follower.look()
    path = site.folder / "tile/entries/000"
    path.write_bytes(path.read_bytes().replace(b"subject", b"subJect", 1))

    assert follower.look().is_well  # it was read before, and is not read again
    follower.finds("tile", whole=True)


def test_a_file_that_is_not_there_is_found(site, follower):
    published(site.folder, 600)
    (site.folder / "tile/entries/001").unlink()

    seen = follower.finds("withheld")

    assert "`tile/entries/001` is not served" in seen.findings[0][0].says


@pytest.mark.parametrize(
    "spoil",
    [
        lambda note: note.partition("\n\n")[0] + "\n",
        lambda note: note[:-6] + "AAAA=\n",
        lambda note: note.replace("\n300\n", "\n301\n"),
        lambda note: note.replace("club.example/ledger\n300", "club.example/l\n300"),
        lambda note: "",
        lambda note: "<html>nothing here</html>",
        lambda note: note * 2,
    ],
)
def test_a_head_that_is_not_signed_rightly_is_found(site, follower, spoil):
    published(site.folder, 300)
    path = site.folder / "checkpoint"
    path.write_text(spoil(path.read_text()))

    follower.finds("checkpoint")


def test_a_head_signed_by_somebody_else_is_found(site, follower):
    published(site.folder, 300, private=STRANGER)

    follower.finds("checkpoint")


def test_bytes_that_are_no_text_are_no_head(site, follower):
    published(site.folder, 300)
    (site.folder / "checkpoint").write_bytes(b"\xff" * 200_000)

    follower.finds("checkpoint")


# -- witnesses -----------------------------------------------------------------------


def cosigned(made, times):
    """Let the first witnesses cosign the latest head at these seconds."""
    made.lines[made.size] = [
        cosign(made.note(), name, private, time) + "\n"
        for (name, private), time in zip(WITNESSES, times, strict=False)
        if time is not None
    ]
    return made


@pytest.fixture
def policy(tmp_path):
    lines = [f"log {KEY}"]
    for n, (name, private) in enumerate(WITNESSES):
        lines.append(f"witness w{n} {cosigner_key(name, private.public_key())}")
    lines += ["group two 2 w0 w1 w2", "quorum two"]
    path = tmp_path / "club.policy"
    path.write_text("\n".join(lines) + "\n")
    return path


SECONDS = NOW // SECOND


def test_a_head_with_its_quorum_is_well(site, follower, policy):
    publish_log(cosigned(SmallLog(300), [SECONDS - 50, SECONDS - 60]), site.folder)

    seen = follower.look(policy=policy, fresh=100)

    assert seen.is_well
    assert seen.witnessed_at == SECONDS - 60  # the second of two makes the quorum


def test_a_head_without_its_quorum_is_found(site, follower, policy):
    publish_log(cosigned(SmallLog(300), [SECONDS]), site.folder)

    follower.finds("unwitnessed", policy=policy)
    assert not follower.state.exists()


def test_a_head_with_a_wrong_cosignature_is_found(site, follower, policy):
    made = cosigned(SmallLog(300), [SECONDS, SECONDS, SECONDS])
    made.lines[300][2] = cosigned(SmallLog(299), [0, 0, SECONDS]).lines[299][2]
    publish_log(made, site.folder)

    seen = follower.finds("unwitnessed", policy=policy)
    assert "does not match" in seen.findings[0][0].says


def test_a_log_that_no_witness_has_seen_lately_is_found(site, follower, policy):
    # One witness that still signs cannot make it look fresh.
    publish_log(cosigned(SmallLog(300), [SECONDS, SECONDS - 5000]), site.folder)

    assert follower.look(policy=policy).is_well
    seen = follower.finds("stale", policy=policy, fresh=3600)
    assert "5002 seconds ago, wanted 3600" in seen.findings[0][0].says
    assert follower.accepted() == 300


def test_a_log_that_is_witnessed_again_without_growing_is_fresh(site, follower, policy):
    made = SmallLog(300)
    for time in (SECONDS - 5000, SECONDS):
        publish_log(cosigned(made, [time, time]), site.folder)
    assert follower.look(policy=policy, fresh=3600).is_well


def test_a_witness_of_the_future_is_not_fresh(site, follower, policy):
    publish_log(cosigned(SmallLog(9), [SECONDS + 9999] * 2), site.folder)

    follower.finds("stale", policy=policy, fresh=3600)


# -- entries -------------------------------------------------------------------------


def public(kind, body, at=2000):
    return canonical(
        {"v": 1, "type": kind, "recorded_at": at, "happened_at": 1, "body": body}
    )


def corpus(name, **changed):
    return public(
        "corpus_built",
        {**corpus_body(name, bytes([1] * 32), {b"a": {"x": "y"}}), **changed},
    )


def model(name):
    digest = "ab" * 32
    body = {"model_id": name, "corpora": [], "parents": []}
    return public(
        "model_trained",
        {**body, "plan": digest, "weights": digest, "content_read": digest},
    )


def test_good_corpora_and_models_are_well(site, follower):
    made = published(site.folder, 300)
    follower.look()
    publish_log(made.append(corpus("c1"), corpus("c2"), model("m1")), site.folder)

    assert follower.look().is_well
    state = json.loads(follower.state.read_text())
    assert (state["corpora"], state["models"]) == ({"c1": 300, "c2": 301}, {"m1": 302})


@pytest.mark.parametrize("make", [corpus, model])
def test_two_entries_of_one_name_are_found_though_looks_lie_between(
    site, follower, make
):
    made = published(site.folder, 3)
    publish_log(made.append(make("same")), site.folder)
    assert follower.look().is_well
    publish_log(made.append(make("other"), make("same")), site.folder)

    seen = follower.finds("twice")

    assert seen.findings[0][0].says.startswith("entries 3 and 5 both name the")
    # It stays in the log for ever, and so does the alarm; the head is accepted.
    again = follower.look()
    assert (again.is_well, again.findings) == (False, [])
    assert [each.kind for each in again.known] == ["twice"]
    assert follower.accepted() == 6
    assert [f.kind for f, _ in follower.look(whole=True).findings] == ["twice"]


BAD = {
    "no JSON": b"hello",
    "not canonical": b'{"v": 1}',
    "a person's words": canonical(
        {"v": 1, "type": "subject_event", "recorded_at": 2000, "subject_id": "ana"}
    ),
    "an unknown kind": public("surprise", {}),
    "an unknown field": corpus("c", extra=1),
    "a field too few": public("suspension_lifted", {}),
    "another version": entry(2000).replace(b'"v":1', b'"v":2'),
    "no commitment": entry(2000).replace(b'"commit":"', b'"commit":"x'),
    "a number that is none": public("share_dropped", {"share_id": 7}),
    "before its time": entry(-999),
    "nothing": b"",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_an_entry_that_is_not_as_the_formats_say_is_found(site, follower, bad):
    made = published(site.folder, 300)
    publish_log(made.append(bad).grow(3), site.folder)

    seen = follower.finds("malformed")

    assert "entry 300" in seen.findings[0][0].says
    assert "ana" not in seen.findings[0][0].says
    assert follower.accepted() == 304


def test_a_flood_of_bad_entries_is_counted_only_so_far(site, follower):
    publish_log(SmallLog().append(*(b"bad %d" % n for n in range(300))), site.folder)

    assert len(follower.look().findings) == 100
    assert len(list((follower.folder / "state.json.evidence").iterdir())) == 100


# -- not attacks ---------------------------------------------------------------------


def test_a_lost_network_is_no_attack(site, follower, monkeypatch):
    monkeypatch.setattr("assent.monitor.source.WAITS", (0.0,))
    made = published(site.folder, 600)
    follower.look()
    before = follower.state.read_bytes()
    publish_log(made.grow(50), site.folder)
    for name in ("checkpoint", "tile/0/002.p/138", "tile/entries/002.p/138"):
        site.broken = {name: [503, 503]}
        with pytest.raises(UnreachableError):
            follower.look()
        assert follower.state.read_bytes() == before
    assert not (follower.folder / "state.json.evidence").exists()
    assert follower.look().is_well


def test_a_lost_network_does_not_excuse_what_was_found(site, follower, monkeypatch):
    monkeypatch.setattr("assent.monitor.source.WAITS", (0.0,))
    publish_log(SmallLog().append(b"bad", *SmallLog(300).held), site.folder)
    site.broken = {"tile/entries/001.p/45": [503, 503]}

    seen = follower.finds("malformed")

    assert "it answers 503" in seen.cut_off


def test_a_look_that_was_cut_off_goes_on_where_it_was(site, follower, monkeypatch):
    monkeypatch.setattr("assent.monitor.source.WAITS", (0.0,))
    monkeypatch.setattr("assent.monitor.watch.SAVED_EVERY", 256)
    published(site.folder, 1000)
    site.broken = {"tile/entries/002": [503, 503]}
    with pytest.raises(UnreachableError):
        follower.look()
    assert json.loads(follower.state.read_text())["checked"] == 512
    site.asked.clear()

    assert follower.look().is_well
    assert "tile/entries/001" not in site.asked
    assert json.loads(follower.state.read_text())["checked"] == 1000


def test_a_wrong_key_of_ours_is_no_attack(site, tmp_path):
    for key in ("", "club.example/ledger", KEY[:-2], KEY.replace("+", "-", 1)):
        with pytest.raises(UsageError, match="verifier key"):
            monitor_of(site.url, key, tmp_path / "state.json")


def test_freshness_without_witnesses_is_refused(site, tmp_path):
    with pytest.raises(UsageError, match="only witnesses say a time"):
        monitor_of(site.url, KEY, tmp_path / "state.json", fresh=60)


def test_a_policy_that_is_none_is_no_attack(site, tmp_path):
    (tmp_path / "policy").write_text("quorum\n")
    with pytest.raises(UsageError, match="line 1 of the witness policy"):
        monitor_of(site.url, KEY, tmp_path / "s.json", policy=tmp_path / "policy")


# -- memory --------------------------------------------------------------------------


def test_the_mirror_is_a_whole_copy_that_others_can_follow(site, follower, tmp_path):
    mirror = follower.folder / "mirror"
    made = published(site.folder, 300)
    follower.look(mirror=mirror)
    publish_log(made.grow(400), site.folder)
    follower.look(mirror=mirror)

    (tmp_path / "second").mkdir()
    second = Follower(str(mirror), tmp_path / "second")
    assert second.look().size == 700


def test_a_mirror_alone_remembers_too(site, follower):
    mirror = follower.folder / "mirror"
    made = published(site.folder, 600)
    follower.look(mirror=mirror)
    follower.state.unlink()
    replaced(site, made.rewritten(5))

    follower.finds("split_view", mirror=mirror)


def test_a_damaged_mirror_is_our_own_fault(site, follower):
    mirror = follower.folder / "mirror"
    made = published(site.folder, 600)
    follower.look(mirror=mirror)
    path = mirror / "tile/entries/002.p/88"
    path.write_bytes(path.read_bytes()[:-1])

    publish_log(made.grow(1), site.folder)
    with pytest.raises(LedgerError, match="its bytes differ"):
        follower.look(mirror=mirror)
    (mirror / "checkpoint").write_text("nothing")
    with pytest.raises(UsageError, match="the mirror is no whole copy"):
        follower.look(mirror=mirror)
    assert not (follower.folder / "state.json.evidence").exists()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda value: b"",
        lambda value: b"{}",
        lambda value: canonical({**value, "checked": value["checked"] + 1}),
        lambda value: canonical({**value, "key": value["key"] + "x"}),
        lambda value: canonical({**value, "note": value["note"].replace("3", "4", 1)}),
        lambda value: canonical({**value, "extra": 1}),
        lambda value: canonical({**value, "corpora": {"c": "x"}}),
        lambda value: canonical({**value, "faults": [1]}),
    ],
)
def test_a_state_that_was_damaged_is_not_taken(site, follower, spoil):
    published(site.folder, 300)
    follower.look()
    data = spoil(json.loads(follower.state.read_text()))
    follower.state.write_bytes(data)

    with pytest.raises(UsageError, match="`state.json` cannot be used"):
        follower.look()
    assert follower.state.read_bytes() == data


def test_two_monitors_do_not_share_a_state(site, follower):
    from assent.monitor.state import alone

    published(site.folder, 300)
    with alone(follower.state), pytest.raises(UsageError, match="another monitor"):
        follower.look()


KILLED = """
import os, signal, sys
from pathlib import Path
from assent.monitor.follow import monitor_of
from small_log import KEY
steps, at = 0, int(sys.argv[3])
def counted(real):
    def call(*args, **named):
        global steps
        steps += 1
        if steps == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **named)
    return call
os.replace = counted(os.replace)
os.fsync = counted(os.fsync)
watch = Path(sys.argv[2])
monitor_of(sys.argv[1], KEY, watch / "state.json", mirror=watch / "mirror").run(1)
print(steps)
"""


def test_killed_at_each_step_a_monitor_forgets_nothing(site, follower, tmp_path):
    mirror = follower.folder / "mirror"
    made = published(site.folder, 250)
    publish_log(made, tmp_path / "log")
    script = [sys.executable, "-c", KILLED, str(tmp_path / "log")]
    tests = Path(__file__).resolve().parent
    env = {**os.environ, "PYTHONPATH": f"{tests}:{tests.parent / 'src'}"}
    follower.url = str(tmp_path / "log")
    follower.look(mirror=mirror)
    publish_log(made.grow(20), tmp_path / "log")
    counted = run_at(script, env, follower, tmp_path / "0", 0)
    steps = int(counted.stdout)
    assert steps > 10
    for step in range(1, steps + 1):
        done = run_at(script, env, follower, tmp_path / str(step), step)
        assert done.returncode == -signal.SIGKILL
        after = Follower(follower.url, tmp_path / str(step))
        assert after.accepted() in (250, 270)
        assert after.look(mirror=tmp_path / str(step) / "mirror").is_well
        assert after.accepted() == 270
        # And whatever it was about to remember, it notices when the log goes back.
        after.url = str(site.folder)
        after.finds("rollback", mirror=tmp_path / str(step) / "mirror")


def run_at(script, env, follower, folder, step):
    """Let a monitor that has the files of another one be killed at a step."""
    shutil.copytree(follower.folder, folder)
    return subprocess.run(
        [*script, str(folder), str(step)],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


# -- evidence ------------------------------------------------------------------------


def test_evidence_is_written_once_and_keeps_its_name(site, follower):
    made = published(site.folder, 300)
    follower.look()
    replaced(site, made.rewritten(3))
    names = {follower.look().findings[0][1] for _ in range(3)}

    assert len(names) == 1
    assert len(list((follower.folder / "state.json.evidence").iterdir())) == 1


@pytest.fixture
def kept(site, follower):
    """Evidence of every kind that signatures prove."""
    mirror = follower.folder / "mirror"
    made = published(site.folder, 300)
    made.append(corpus("c"), corpus("c"), b"bad")
    publish_log(made, site.folder)
    follower.look(mirror=mirror)
    replaced(site, made.rewritten(3))
    follower.look(mirror=mirror)
    replaced(site, made.rewritten(3).grow(7))
    follower.look(mirror=mirror)
    folder = follower.folder / "state.json.evidence"
    found = {
        path.name.rpartition("-")[0]: path.read_bytes() for path in folder.iterdir()
    }
    assert set(found) == PROVED
    return found


def test_evidence_of_one_log_says_nothing_about_another(kept):
    for data in kept.values():
        with pytest.raises(ProofError, match="a log of another key"):
            check_evidence(data, SmallLog(private=STRANGER).verifier_key)


def test_evidence_that_was_made_up_shows_nothing(kept):
    """No field can be changed to another value that is still accepted as proof."""
    accepted, tried = [], 0
    for kind, data in kept.items():
        value = json.loads(data)
        assert check_evidence(data, KEY).proved
        for path, changed in mutations(value):
            if path[0] in ("says", "source", "found_at"):
                continue  # the finder's own words, and shown as such
            tried += 1
            try:
                check_evidence(canonical(changed), KEY)
            except ProofError:
                continue
            accepted.append((kind, path))
    assert accepted == []
    assert tried > 250


def mutations(value, path=()):
    """Change each leaf of a JSON value, and drop and add each field, one at a time."""

    def put(target, where, new):
        copy = json.loads(json.dumps(target))
        inner = copy
        for key in where[:-1]:
            inner = inner[key]
        if new is KeyError:
            del inner[where[-1]]
        else:
            inner[where[-1]] = new
        return copy

    def walk(inner, where):
        if isinstance(inner, dict):
            yield (*where, "extra"), put(value, (*where, "extra"), 1)
            for key in inner:
                yield (*where, key), put(value, (*where, key), KeyError)
                yield from walk(inner[key], (*where, key))
        elif isinstance(inner, list):
            for key, item in enumerate(inner):
                yield from walk(item, (*where, key))
            if inner:
                yield where, put(value, where, inner[:-1])
                yield where, put(value, where, [*inner, inner[-1]])
        elif isinstance(inner, int):
            yield where, put(value, where, inner + 1)
        elif isinstance(inner, str):
            at = len(inner) // 2
            other = "A" if inner[at] != "A" else "B"
            yield where, put(value, where, inner[:at] + other + inner[at + 1 :])
            yield where, put(value, where, "")

    yield from walk(value, path)


@pytest.mark.parametrize("tile", [[-1, 0], [-2, 0], [0, -1], [9, 0]])
def test_evidence_of_a_tile_that_no_log_has_is_refused(tile):
    made = SmallLog(3)
    value = {
        "format": "assent-evidence-v1",
        "kind": "tile",
        "says": "x",
        "key": KEY,
        "source": "x",
        "found_at": 1,
        "proof": {
            "head": made.note(),
            "files": {"tile/0/000.p/3": base64_text(made.tile(0, 0))},
            "tile": tile,
            "bundle": None,
        },
    }

    with pytest.raises(ProofError, match="names what is not there"):
        check_evidence(canonical(value), KEY)


def test_an_honest_log_gives_no_evidence_to_be_made(site, follower):
    """Two honest heads cannot be presented as a split view or a rewrite."""
    small, large = SmallLog(300), SmallLog(600)
    from assent.merkle.log import consistency_path
    from assent.monitor.evidence import FORMAT, two_heads

    path = consistency_path(300, 600, large.node)
    for root in (small.root(), bytes(32), large.root()):
        value = {
            "format": FORMAT,
            "kind": "rewritten",
            "says": "x",
            "key": KEY,
            "source": "x",
            "found_at": 1,
            "proof": two_heads(small.note(), large.note(), root, path),
        }
        with pytest.raises(ProofError):
            check_evidence(canonical(value), KEY)
    assert leaf_hash(small.held[0]) == leaf_hash(large.held[0])
