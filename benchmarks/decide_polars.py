"""The decision as a good engineer would write it by hand in Polars, for this policy.

It agrees with Assent on who is permitted. It leaves out what a row filter leaves out:
the reason, the rule, several recipients, labels that nobody declared, people who are
mentioned, tiers, where somebody lived when she wrote, and events without a time.
"""

from pathlib import Path

import polars as pl
from decide_data import Platform
from decide_labels import NOW, PURPOSE, RECIPIENT
from decide_question import question

from assent.engine.question import QuestionRule
from assent.terms import DAY, Basis

LANES = {
    "choice": ["given", "expired", "refused", "withdrawn"],
    "objection": ["objection_lifted", "objected"],
    "restriction": ["restriction_lifted", "restricted"],
}
GRANTS = ["given", "objection_lifted", "restriction_lifted", "notice_served"]
COVERING = ["*", "train", "train.generative", PURPOSE]
YEAR = 2025
RULES = question().rules
NOTICES = question().notice_sets


def _about(rule: QuestionRule) -> tuple[tuple[str, ...], int | None, int | None]:
    """Which documents a rule speaks of: categories, and from when to when written."""
    categories = tuple(sorted({category for category, _ in rule.uses}))
    return categories, rule.created_from, rule.created_until


KINDS = list(dict.fromkeys(map(_about, RULES)))


def count(platform: Platform) -> int:
    """Count the permitted documents."""
    found = _decided(platform).select(pl.col("permitted").sum())
    return int(found.collect(engine="streaming").item())


def write(platform: Platform, out: Path) -> None:
    """Write every decision as Parquet."""
    _decided(platform).sink_parquet(out, compression="zstd", compression_level=1)


def _decided(platform: Platform) -> pl.LazyFrame:
    columns = ["document_id", "subject_id", "category", "created_at"]
    documents = pl.scan_parquet(platform.path("documents")).select(columns)
    words = _words(platform)
    people = _people(platform, words)
    cells = _cells(people, words)
    inside = [
        pl.coalesce(f"cell_{n}", f"permitted_{n}") & _is_of(*kind)
        for n, kind in enumerate(KINDS)
    ]
    permitted = pl.any_horizontal(inside).fill_null(value=False) & (
        pl.col("created_at") <= NOW
    )
    names = [f"permitted_{n}" for n in range(len(KINDS))]
    return (
        documents.join(people.select("subject_id", *names), "subject_id", "left")
        .join(cells, ["subject_id", "category"], "left")
        .select(*columns, permitted=permitted)
    )


def _is_of(categories: tuple[str, ...], start: int | None, end: int | None) -> pl.Expr:
    created, inside = pl.col("created_at"), pl.col("category").is_in(list(categories))
    if start is not None:
        inside &= created >= start
    if end is not None:
        inside &= created < end
    return inside


def _words(platform: Platform) -> pl.LazyFrame:
    """The latest word of each lane, and the first notice: a row a person and scope."""
    grant = pl.col("kind").is_in(GRANTS)
    happened, recorded = pl.col("happened_at"), pl.col("recorded_at")
    counts = pl.when(grant).then(pl.max_horizontal(happened, recorded))
    said = pl.when(grant).then(pl.min_horizontal(happened, recorded))
    events = (
        pl.scan_parquet(platform.path("events"))
        .filter(
            pl.col("purpose").is_in(COVERING)
            & pl.col("recipient").is_in(["*", RECIPIENT])
            & (counts.otherwise(pl.min_horizontal(happened, recorded)) <= NOW)
        )
        .with_columns(
            said=said.otherwise(happened),
            ended=(pl.col("valid_until") <= NOW).fill_null(value=False),
        )
    )
    lanes = [_last(lane, kinds).alias(lane) for lane, kinds in LANES.items()]
    sets = NOTICES
    yes = [
        pl.col("said")
        .filter((pl.col("kind") == "given") & pl.col("notice").is_in(list(notices)))
        .max()
        .alias(f"yes_{n}")
        for n, notices in enumerate(sets)
    ]
    told = [
        pl.max_horizontal("happened_at", "recorded_at")
        .filter(
            (pl.col("kind") == "notice_served") & pl.col("notice").is_in(list(notices))
        )
        .min()
        .alias(f"told_{n}")
        for n, notices in enumerate(sets)
    ]
    return events.group_by("subject_id", scope="category").agg(
        *lanes,
        *yes,
        *told,
        enrolled=(pl.col("kind") == "enrolled").any(),
        erased=(pl.col("kind") == "erased").any(),
    )


def _last(lane: str, kinds: list[str]) -> pl.Expr:
    """The latest word as one number, a denial's being larger at one instant."""
    kind = pl.col("kind")
    digit = pl.when(pl.col("ended") & (kind == "given")).then(1)
    for number, name in enumerate(kinds):
        digit = digit.when(kind == name).then(
            number + (number > 0 and lane == "choice")
        )
    return (pl.col("said") * 8 + digit).filter(kind.is_in(kinds)).max()


def _people(platform: Platform, words: pl.LazyFrame) -> pl.LazyFrame:
    """Every person with what she said of everything, and whether it permits."""
    wide = words.filter(pl.col("scope") == "*").drop("scope")
    countries = pl.LazyFrame(
        question().jurisdictions, schema=["country", "place"], orient="row"
    )
    homes = _homes(platform)
    age = YEAR - pl.col("birth_year") - 1
    adult = pl.when(pl.col("age_band").is_not_null() & (pl.col("age_band") != "adult"))
    people = (
        pl.scan_parquet(platform.path("subjects"))
        .select("subject_id", "country", "birth_year", "age_band")
        .join(homes, "subject_id", "left")
        .with_columns(
            country=pl.when(pl.col("dated").is_not_null())
            .then(pl.col("home"))
            .otherwise(pl.col("country")),
            adult=adult.then(statement=False)
            .when(pl.col("birth_year").is_not_null())
            .then((age >= 18) & (age < 120))
            .otherwise(pl.col("age_band") == "adult"),
        )
        .join(countries, "country", "left")
        .join(wide, "subject_id", "left")
    )
    return people.with_columns(**_permits("permitted"))


def _homes(platform: Platform) -> pl.LazyFrame:
    """The latest dated statement of where somebody lives, known by now."""
    stays = (
        pl.scan_parquet(platform.path("subjects"))
        .select("subject_id", "residences")
        .explode("residences")
        .drop_nulls()
        .select(
            "subject_id",
            home=pl.col("residences").struct.field("country"),
            since=pl.col("residences").struct.field("valid_from"),
            known=pl.col("residences").struct.field("valid_from"),
        )
    )
    moves = (
        pl.scan_parquet(platform.path("events"))
        .filter(pl.col("kind") == "residence_changed")
        .select(
            "subject_id",
            home=pl.col("country"),
            since=pl.col("happened_at"),
            known=pl.max_horizontal("happened_at", "recorded_at"),
        )
    )
    begun = pl.col("since") <= NOW
    latest = pl.col("home").sort_by("since").filter(begun.sort_by("since")).last()
    known = pl.col("known").sort_by("since").filter(begun.sort_by("since")).last()
    return (
        pl.concat([stays, moves])
        .group_by("subject_id")
        .agg(home=pl.when(known <= NOW).then(latest), dated=pl.len())
    )


def _cells(people: pl.LazyFrame, words: pl.LazyFrame) -> pl.LazyFrame:
    """Who spoke of single categories: her words on both, the later counting."""
    narrow = words.filter(pl.col("scope") != "*")
    kept = ["subject_id", "category", *(f"cell_{n}" for n in range(len(KINDS)))]
    names = [*LANES, *(f"yes_{n}" for n in range(len(NOTICES)))]
    later = {name: pl.max_horizontal(name, f"{name}_right") for name in names}
    first = {
        f"told_{n}": pl.min_horizontal(f"told_{n}", f"told_{n}_right")
        for n in range(len(NOTICES))
    }
    return (
        people.join(narrow, "subject_id")
        .with_columns(
            **later,
            **first,
            erased=pl.col("erased") | pl.col("erased_right"),
            category=pl.col("scope"),
        )
        .with_columns(**_permits("cell"))
        .select(kept)
    )


def _permits(name: str) -> dict[str, pl.Expr]:
    """Whether a rule of each period is proved for a row of words."""
    choice = (pl.col("choice") % 8).fill_null(0)
    clear = (
        (choice == 0)
        & ((pl.col("objection") % 8).fill_null(0) == 0)
        & ((pl.col("restriction") % 8).fill_null(0) == 0)
        & ~pl.col("erased").fill_null(value=False)
    )
    proofs: dict[str, list[pl.Expr]] = {f"{name}_{n}": [] for n in range(len(KINDS))}
    for rule in RULES:
        n = NOTICES.index(rule.notices)
        if rule.basis is Basis.CONSENT:
            proof = pl.col(f"yes_{n}") == pl.col("choice") // 8
        else:
            proof = pl.col(f"told_{n}") <= NOW - rule.notice_days * DAY
        here = pl.col("place").is_in(list(rule.jurisdictions))
        proofs[f"{name}_{KINDS.index(_about(rule))}"].append(
            (here & proof).fill_null(value=False)
        )
    known = pl.col("adult").fill_null(value=False) & pl.col("enrolled").fill_null(
        value=False
    )
    return {
        key: clear & known & pl.any_horizontal(found) for key, found in proofs.items()
    }
