"""Orders, denials, labels and texts of a project: what holds, what may be recorded."""

import pyarrow.parquet as pq
import pytest

from assent import Project
from assent.canon import sha256
from assent.errors import LedgerError, PolicyError, UsageError
from assent.terms import DAY
from small_project import BUILT_AT, POLICY, opened, subjects, write_export, write_policy

pytest_plugins = ("toy_projects", "command_line")

BESIDE = POLICY.replace('"2025-03"', '"2025-03b"')


def in_force(project, at=None):
    place = project.place
    now = place.clock() if at is None else at
    return {each.order for each in place.suspensions(now, place.book.size)}


def load_without(project, tmp_path, *absent):
    documents, people = write_export(tmp_path / "later")
    for path in (documents, people):
        rows = pq.read_table(path).to_pylist()
        kept = [row for row in rows if row["subject_id"] not in absent]
        schema = pq.read_schema(path)
        pq.write_table(subjects().from_pylist(kept, schema=schema), path)
    project.load("parquet", documents, people)


# -- orders ----------------------------------------------------------------------------


def test_an_order_renewed_after_its_lifting_holds_whenever_it_happened(fresh):
    with opened(fresh) as project:
        first = project.suspend("dpc-1", ["DE"])
        assert in_force(project) == {"dpc-1"}
        lifted = project.lift("dpc-1")
        assert in_force(project) == set()

        project.suspend("dpc-1", ["FR"], happened_at=first.happened_at)

        assert in_force(project) == {"dpc-1"}
        place = project.place
        orders = place.suspensions(lifted.recorded_at + DAY, place.book.size)
        assert [each.regions for each in orders] == [("FR",)]


def test_an_order_lifted_at_the_instant_it_was_given_is_lifted(fresh):
    made = Project.open(fresh, clock=lambda: BUILT_AT)
    with made as project:
        project.suspend("dpc-1", ["DE"])
        project.lift("dpc-1")

        assert in_force(project) == set()


def test_an_order_from_a_far_future_is_refused(fresh):
    with opened(fresh) as project:
        far = project.place.clock() + 2 * DAY
        with pytest.raises(LedgerError, match="more than a day after"):
            project.suspend("dpc-1", ["DE"], happened_at=far)

        assert in_force(project, far) == set()


# -- people ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["refused", "withdrawn", "objected", "restricted", "erased"]
)
def test_who_left_the_platform_can_still_say_no(fresh, tmp_path, kind):
    with opened(fresh) as project:
        load_without(project, tmp_path, "u03")

        assert len(project.record(kind, ["u03"])) == 1
        with pytest.raises(LedgerError, match="not among the loaded"):
            project.record("objection_lifted", ["u03"])
        with pytest.raises(LedgerError, match="not among the loaded"):
            project.record(kind, ["stranger"])


def test_everyone_is_enrolled_again_only_where_they_were_not(tmp_path, assent):
    folder = tmp_path / "mine"
    with Project.init(folder) as project:
        load_without(project, tmp_path, "u03", "u04")
        assert len(project.record("enrolled", all_subjects=True)) == 10
        load_without(project, tmp_path)
        assert len(project.record("enrolled", all_subjects=True)) == 2

    said = assent("--project", folder, "record", "enrolled", "--all-subjects")
    assert (said.code, said.err) == (0, "")
    assert "enrolled already" in said.out


# -- policies --------------------------------------------------------------------------


def test_the_text_of_a_notice_is_kept_whatever_its_file_is_called(tmp_path):
    with Project.init(tmp_path / "mine", categories=["post", "comment"]) as project:
        folder = project.place.folder
        text = (
            POLICY.replace("2025.en.md", "2025.html")
            .replace('[[never]]\ncategories = ["private_message"]\n', "")
            .replace("train.generative.content", project.place.config.purpose)
        )
        path = write_policy(folder, text)
        (folder / "notices/2025.html").write_bytes(b"<p>We train on posts.</p>")

        project.publish(path)

        (version,) = project.place.versions()
        assert version.policy.notice == sha256(b"<p>We train on posts.</p>")
        assert project.place.kept(version.policy.notice).startswith(b"<p>")


def test_a_notice_changed_while_it_is_published_is_refused(fresh):
    with opened(fresh) as project:
        path = write_policy(fresh, BESIDE, "beside.toml")
        policy = project.place.publishable(path)
        (fresh / "notices/2025.en.md").write_bytes(b"Something else.")
        with pytest.raises(PolicyError, match="changed while"):
            project.place.publish_policy(path, policy, "")


def test_a_version_that_was_replaced_cannot_be_published_as_if_in_force(fresh):
    with opened(fresh) as project:
        assert project.publish(fresh / "policies/2025.toml") is None
        assert project.publish(write_policy(fresh, BESIDE, "beside.toml"))
        with pytest.raises(PolicyError, match="replaced by `2025-03b`"):
            project.publish(fresh / "policies/2025.toml")
        assert project.publish(fresh / "policies/beside.toml") is None


# -- the folder ------------------------------------------------------------------------


def test_pins_and_what_is_spilt_are_for_their_owner_alone(fresh):
    with opened(fresh) as project:
        project.place.begin("build", {"as_of": 1})
        project.decide()

    assert (fresh / "jobs/build.json").stat().st_mode & 0o777 == 0o600
    assert (fresh / ".spill").stat().st_mode & 0o777 == 0o700


def test_a_project_whose_load_was_cut_off_is_loaded_again(tmp_path):
    Project.init(tmp_path / "mine").close()

    with pytest.raises(UsageError, match="already") as caught:
        Project.init(tmp_path / "mine")

    assert "assent --project mine load --from" in caught.value.hint


def test_a_repair_comes_before_a_build_and_after_what_was_interrupted(toy):
    with opened(toy) as project:
        project.record("withdrawn", ["u01"])
        assert project.status()["next"] == "assent forget"

        project.place.begin("build", {"as_of": 1})
        assert project.status()["next"] == "assent forget"

        project.place.begin("train", {"model_id": "none"})
        assert project.status()["next"].startswith("assent train ")

        project.place.begin("forget", {"as_of": 1})
        assert project.status()["next"].startswith("assent forget ")
