"""Tokens a second beside a plain loop, and how soon a suspended region is silent."""

import tempfile
import time
from pathlib import Path

import torch
from forget_repair import Figures, plan_of
from forget_text import drawn, load
from torch.nn import functional as F  # noqa: N812 - its usual name

from assent import Project
from assent.demo.seeded import StoryClock, UnsafeSeededRandomness
from assent.project.speaking import LOOK_EVERY, Said, Speaker, Wanted
from assent.terms import parse_time
from assent.train.component import Shape
from assent.train.exact import reproducible
from assent.train.loop import Trainer
from assent.train.model import PAD, initial_model
from assent.train.rows import Row

STEPS = 24
ROUNDS = 5


def throughput(text: Path, scale: float) -> Figures:
    """Train the same rows by our steps and by a plain loop, in turn; best of each."""
    plan = plan_of(1, slices=1, steps=STEPS, rows=8, window=256, shape=Shape(128, 4, 4))
    data = b" ".join(
        t.encode() for p in drawn(load(text), 300, "speed") for t in p.texts
    )
    cut = [data[at : at + 256] for at in range(0, 256 * 8 * STEPS, 256)]
    rows = [Row(b"", str(n), 0, each) for n, each in enumerate(cut)]
    steps = [rows[at : at + 8] for at in range(0, len(rows), 8)]
    ours, plain = [], []
    for _ in range(max(2, int(ROUNDS * scale))):
        with reproducible():
            trainer = Trainer(plan)
            started = time.process_time()
            for each in steps:
                trainer.take_step(each)
            ours.append(time.process_time() - started)
            plain.append(_plain(plan, steps))
    tokens = sum(len(each) for each in cut)
    return {
        "tokens_per_s": tokens / min(ours),
        "plain_tokens_per_s": tokens / min(plain),
        "throughput_ratio": min(plain) / min(ours),
    }


def _plain(plan, steps) -> float:  # type: ignore[no-untyped-def]
    """Train as anybody would write it: same model, rows, padding and threads."""
    model = initial_model(plan.shape, plan.window, plan.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1)
    started = time.process_time()
    for rows in steps:
        texts = torch.full((plan.rows, plan.window), PAD)
        for number, row in enumerate(rows):
            texts[number, : len(row.tokens)] = torch.tensor(list(row.tokens))
        inputs = torch.roll(texts, 1, dims=1)
        inputs[:, 0] = 256
        logits, _ = model(inputs)
        loss = F.cross_entropy(logits.flatten(0, 1), texts.flatten(), ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return time.process_time() - started


CONFIG = """\
[project]
name = "bench"
origin = "bench.example/ledger"
choices = "simulated"
[use]
purpose = "train.generative.content"
recipients = ["ourselves"]
model = "content"
[labels]
purposes = ["train.generative.content"]
recipients = ["ourselves"]
categories = ["profile", "post", "comment", "article", "group_message",
  "private_message"]
[train]
slices = 2
steps = 2
epochs = 1
rows = 4
window = 64
width = 32
layers = 1
heads = 2
tokens_per_subject = 2000
learning_rate = 0.003
seed = 1
workers = 1
[capacity]
default = 262144
"""
POLICY = """\
policy = "2025-03"
controller = "Bench"
effective_from = 2025-01-01T00:00:00Z
notice = "notices/2025.en.md"
minimum_age = 18
[[allow]]
name = "everybody"
regions = ["DE", "FR", "US", "GB"]
categories = ["profile", "post", "comment", "article", "group_message"]
purpose = "train.generative.content"
recipients = ["ourselves"]
basis = "legitimate_interests"
"""
START = parse_time("2025-03-01T00:00:00Z")


def suspension(text: Path, scale: float) -> Figures:
    """Time from an order until the next token is said without the region."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        made = Project.init(
            folder,
            config=CONFIG,
            clock=StoryClock(START),
            randomness=UnsafeSeededRandomness(7),
        )
        with made as project:
            members = max(200, int(2_000 * scale))
            project.load("simulated", seed=1, members=members)
            (folder / "policies/2025.toml").write_text(POLICY)
            (folder / "notices/2025.en.md").write_text("We train on your posts.\n")
            project.publish(folder / "policies/2025.toml")
            project.record("enrolled", all_subjects=True)
            notice = folder / "notices/2025.en.md"
            project.record("notice_served", all_subjects=True, notice=notice)
            project.build()
            project.train()
            speaker = Speaker(project.place)
            documents = project.place.latest_corpus()["documents"]
            waits = []
            for number in range(5):
                before = speaker.serving().groups
                pieces = speaker.speak(Wanted("The ", 2_000, number), Said())
                next(pieces)
                started = time.perf_counter()
                project.suspend(f"order-{number}", ["DE"])
                while speaker.serving().groups == before:
                    next(pieces)
                waits.append(time.perf_counter() - started)
                project.lift(f"order-{number}")
                time.sleep(LOOK_EVERY)
                speaker.serving()
    waits.sort()
    return {
        "suspension_s": waits[len(waits) // 2],
        "suspension_most_s": waits[-1],
        "suspension_documents": documents,
    }
