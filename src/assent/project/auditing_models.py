"""Audit a model: do its shards tell the people whom they were trained on?

Members are those of the corpus, with the words that the shards read. Who is in no shard
comes from a file that the auditor gives: nobody's words are read that no rule permits.
The model is audited as it was logged, shards in quarantine too: what is asked is what
its weights hold, not who may speak. Nothing is appended to the ledger.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.canon import canonical, sha256
from assent.corpus.tables import part_path
from assent.errors import CorpusError, UsageError
from assent.files import SECRET_MODE, write_all_whole
from assent.project.building import plan_key, sealed_plans
from assent.project.gating import logged_model
from assent.project.place import Place, Progress
from assent.project.training import check_served
from assent.prove import membership
from assent.redact.interval import share
from assent.train.ensemble import Served
from assent.train.plan import Assignment, Plan
from assent.train.rows import read_part
from assent.train.score import Scores, score

FORMAT = "assent/model-audit/v1"
PAGE, FIGURES, PEOPLE = "model.html", "model.json", "people.json"
GUESSED = 0.2
"""Share of the canaries that are guessed at; fixed before anybody looks."""
Figures = dict[str, Any]
Texts = Mapping[str, Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class Options:
    """What an audit does.

    Args:
        seed: of everything that is drawn.
        most: people of each group that are tested, drawn by the seed.
        never: a file of people in no shard, see `read_people`.
        people: a file of people to test one by one, such as who has left.
        before: `model.json` of an earlier audit, shown beside this one.
    """

    seed: int = 1
    most: int = 400
    never: Path | None = None
    people: Path | None = None
    before: Path | None = None


@dataclass(frozen=True, slots=True)
class ModelAudit:
    """A finished audit.

    Args:
        figures: what `model.json` holds.
        digest: sha256 of its bytes.
        files: written, by name.
    """

    figures: Figures
    digest: str
    files: tuple[str, ...]

    def rows(self) -> list[list[str]]:
        """Give the table for a terminal: one line a group."""
        return [
            [
                each["name"],
                str(each["shards"]),
                f"{each['randomisation']['p_value']:.4f}"
                if each["randomisation"]
                else "–",
                _told(each["told"]),
                _rate(each["rate"]),
                _epsilon(each["canaries"]),
            ]
            for each in self.figures["groups"]
        ]

    def lines(self) -> list[str]:
        """Say the rest in lines for a terminal."""
        return [
            f"written: {', '.join(f'`{name}`' for name in self.files)}",
            f"sha256 of `{FIGURES}`: {self.digest}",
        ]


def _told(told: Figures | None) -> str:
    if told is None:
        return "–"
    return f"{told['auc']:.3f} ({told['low']:.3f} to {told['high']:.3f})"


def _rate(rate: Figures | None) -> str:
    if rate is None:
        return "–"
    return f"{rate['found']} of {rate['checked']}, nominal {rate['nominal']:.0%}"


def _epsilon(canaries: Figures | None) -> str:
    return "–" if canaries is None else f"{canaries['epsilon']:.2f}"


def read_people(path: Path) -> Texts:
    """Read people and what they wrote: JSON lines of `subject_id` and `text`.

    Raises:
        UsageError: it is no such file.
    """
    found: dict[str, list[bytes]] = defaultdict(list)
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                value = json.loads(line)
                subject, text = value["subject_id"], value["text"]
                if not (isinstance(subject, str) and isinstance(text, str)):
                    raise TypeError(number)
                found[subject].append(text.encode())
    except (OSError, UnicodeError) as error:
        raise UsageError(f"`{path.name}` cannot be read as UTF-8") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"line {number} of `{path.name}` is no JSON object with the texts "
            "`subject_id` and `text`",
            hint="write one object a line, one line a document",
        ) from error
    return {who: texts for who, texts in found.items() if any(texts)}


def audit_model(
    place: Place, model_id: str | None, out: Path, options: Options, progress: Progress
) -> ModelAudit:
    """Audit a model, and write figures and a page.

    Args:
        place: the project.
        model_id: any model of the ledger whose shards are still there; the served one
            by default.
        out: folder of the files.
        options: what is done.
        progress: told what is done.

    Raises:
        UsageError: there is no such model, or a file is not as wanted.
        CorpusError: the texts that it was trained on were erased.
        TrainError: a checkpoint is damaged.
    """
    audit = _Audit.of(place, model_id, options)
    before = _before(options.before)
    groups = []
    for number, group in enumerate(audit.plan.groups):
        progress("groups audited", number, len(audit.plan.groups))
        if audit.shards.get(group.name):
            groups.append(audit.group(group.name))
    progress("groups audited", len(audit.plan.groups), len(audit.plan.groups))
    figures: Figures = {
        "format": FORMAT,
        "model": audit.model["model_id"],
        "plan": audit.plan.digest,
        "corpora": audit.model["corpora"],
        "seed": options.seed,
        "most": options.most,
        "simulated": bool(place.config.note),
        "groups": groups,
        "before": before,
    }
    from assent.report.membership import page

    data = canonical(figures)
    files = {FIGURES: data, PAGE: page(figures).encode()}
    out.mkdir(parents=True, exist_ok=True)
    write_all_whole((out / name, each) for name, each in files.items())
    if audit.told:
        people = canonical({"format": FORMAT, "people": audit.told})
        write_all_whole([(out / PEOPLE, people)], SECRET_MODE)
        files[PEOPLE] = people
    return ModelAudit(figures, sha256(data), tuple(files))


def _before(path: Path | None) -> list[Figures] | None:
    """Take the groups of an earlier audit."""
    if path is None:
        return None
    try:
        value = json.loads(path.read_bytes())
        if value["format"] != FORMAT:
            raise ValueError(value["format"])
        found: list[Figures] = value["groups"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"`{path.name}` is no `{FIGURES}` of an audit",
            hint=f"name the `{FIGURES}` that `assent audit model` wrote before",
        ) from error
    return found


@dataclass(slots=True)
class _Audit:
    """One audit under way."""

    place: Place
    model: dict[str, Any]
    plan: Plan
    assignment: Assignment
    shards: dict[str, list[int]]
    never: Texts
    people: Texts
    options: Options
    told: list[Figures]

    @classmethod
    def of(cls, place: Place, model_id: str | None, options: Options) -> "_Audit":
        model = logged_model(place, model_id)
        plan, number = sealed_plans(place)[model["plan"]]
        known = check_served(place, model, plan, {})
        shards: dict[str, list[int]] = defaultdict(list)
        for (group, shard), each in sorted(known.items()):
            if each.served:
                shards[group].append(shard)
        check_served(place, model, plan, shards)
        return cls(
            place,
            model,
            plan,
            Assignment(plan, plan_key(place, number)),
            dict(shards),
            read_people(options.never) if options.never else {},
            read_people(options.people) if options.people else {},
            options,
            [],
        )

    def group(self, name: str) -> Figures:
        """Audit one group."""
        shards = self.shards[name]
        folder = self.place.model_folder(self.model["model_id"])
        base = self.place.config.base_folder
        served = Served(self.plan, folder, {name: shards}, base)
        members = self._members(name)
        own = self._own(name, list(members))
        found = _scored(served, list(members.values()))
        never = _scored(served, list(self.never.values()))
        figures: Figures = {
            "name": name,
            "shards": len(shards),
            "people": len(members),
            "never": len(self.never),
            "randomisation": None,
            "told": None,
            "rate": None,
            "curve": None,
            "ranking": _ranking(found, never, own),
            "canaries": self._canaries(served, name),
        }
        if len(shards) > 1 and len(members):
            effect = membership.effects(never.bits if len(self.never) else found.bits)
            test = membership.randomisation(found.bits, own, effect, self.options.seed)
            figures["randomisation"] = asdict(test)
            gaps = membership.gaps(found.bits, own, effect)
            if len(self.never):
                figures |= self._against(name, never.bits, effect, gaps)
                self._one_by_one(served, name, never.bits, effect)
        return figures

    def _against(
        self,
        name: str,
        never: NDArray[np.float64],
        effect: NDArray[np.float64],
        members: NDArray[np.float64],
    ) -> Figures:
        """Compare members with people in no shard."""
        outside = membership.gaps(never, self._own(name, list(self.never)), effect)
        draw = np.random.default_rng(self.options.seed)
        rate = membership.checked_rate(draw.permutation(outside))
        false, true = membership.curve(members, outside)
        return {
            "told": asdict(membership.told_apart(members, outside, self.options.seed)),
            "rate": asdict(rate) | share(rate.found, rate.checked).to_json(),
            "curve": _thinned(false, true),
        }

    def _one_by_one(
        self,
        served: Served,
        name: str,
        never: NDArray[np.float64],
        effect: NDArray[np.float64],
    ) -> None:
        """Test people of a file, each by herself: she may have left long ago."""
        if not self.people:
            return
        outside = membership.gaps(never, self._own(name, list(self.never)), effect)
        found = _scored(served, list(self.people.values()))
        gaps = membership.gaps(found.bits, self._own(name, list(self.people)), effect)
        above = (outside[None, :] >= gaps[:, None]).sum(axis=1)
        for who, gap, count in zip(self.people, gaps, above, strict=True):
            z = (gap - outside.mean()) / outside.std(ddof=1)
            self.told.append(
                {
                    "subject_id": who,
                    "group": name,
                    "gap": round(float(gap), 6),
                    "z": round(float(z), 4),
                    "p_value": (1 + int(count)) / (1 + len(outside)),
                }
            )

    def _members(self, name: str) -> Texts:
        """Draw people of a group, with all that its shards read of them."""
        corpus = self.place.corpus_folder(self.model["corpora"][0])
        found: dict[str, list[bytes]] = defaultdict(list)
        for shard in self.shards[name]:
            part = corpus / part_path((name, shard))
            if not part.exists():
                raise CorpusError(
                    f"the texts that `{self.model['model_id']}` was trained on were "
                    "erased",
                    hint="audit the model that repaired it",
                )
            for example in read_part(part)[0]:
                found[example.subject_id].append(example.text)
        draw = np.random.default_rng(self.options.seed)
        some = sorted(who for who, texts in found.items() if any(texts))
        kept = draw.permutation(some)[: self.options.most].tolist()
        return {who: found[who] for who in sorted(kept)}

    def _own(self, name: str, people: Sequence[str]) -> NDArray[np.int64]:
        """Say which component is whose: where the key puts each, or would have."""
        place = {shard: at for at, shard in enumerate(self.shards[name])}
        drawn = [self.assignment.shard(name, who) for who in people]
        # Who would have been in a shard that is not served counts for another.
        return np.array(
            [place.get(each, each % len(place)) for each in drawn], np.int64
        )

    def _canaries(self, served: Served, name: str) -> Figures | None:
        """Guess which canaries were planted, and see how often that is right."""
        shards = self.shards[name]
        drawn = [self.assignment.canary(name, n) for n in range(self.plan.canaries)]
        every = [each for each in drawn if each.shard in shards]
        if not every:
            return None
        found = score(served, [each.text for each in every])
        own = np.array([shards.index(each.shard) for each in every], np.int64)
        planted = np.array([each.planted for each in every])
        gap = -found.bits[np.arange(len(own)), own]
        if len(shards) > 1:
            effect = membership.effects(found.bits)
            gap = membership.gaps(found.bits, own, effect)
        told = membership.coins(gap, planted, GUESSED, lambda f, n: share(f, n).low)
        return asdict(told) | {"canaries": len(every), "planted": int(planted.sum())}


def _scored(served: Served, people: Sequence[Sequence[bytes]]) -> Scores:
    """Score people: each by all her texts, a token counting as any other."""
    texts = [text for each in people for text in each]
    owner = np.repeat(np.arange(len(people)), [len(each) for each in people])
    found = score(served, texts)
    tokens = np.bincount(owner, found.tokens, minlength=len(people))
    means = []
    for values in (found.bits, found.lowest):
        weighed = np.nan_to_num(values) * found.tokens[:, None]
        sums = np.zeros((len(people), values.shape[1]))
        np.add.at(sums, owner, weighed)
        with np.errstate(invalid="ignore"):
            means.append(sums / tokens[:, None])
    return Scores(means[0], means[1], tokens.astype(np.int64))


def _ranking(
    members: Scores, never: Scores, own: NDArray[np.int64]
) -> dict[str, float] | None:
    """Rank by one shard's loss alone: no control, so no claim."""
    if not len(members.tokens) or not len(never.tokens):
        return None
    rows = np.arange(len(own))
    return {
        "loss": membership.auc(-members.bits[rows, own], -never.bits[:, 0]),
        "min_k_plus_plus": membership.auc(
            members.lowest[rows, own], never.lowest[:, 0]
        ),
    }


def _thinned(
    false: NDArray[np.float64], true: NDArray[np.float64]
) -> list[list[float]]:
    """Keep a hundred points of a curve or so, its ends among them."""
    kept = np.unique(np.linspace(0, len(false) - 1, min(len(false), 101)).astype(int))
    points: Iterator[tuple[float, float]] = zip(
        false[kept].tolist(), true[kept].tolist(), strict=True
    )
    return [[round(a, 6), round(b, 6)] for a, b in points]
