"""Take everything that is no longer permitted out of the served model.

The order matters, and each step is safe to repeat:
(1) quarantine: nothing to do, what is denied does not speak from its own instant on;
(2) erase: a corpus without the texts, the old one's texts removed;
(3) replay: the touched shards, from the checkpoint before the first touched slice;
(4) destroy: every superseded checkpoint;
(5) certify and log: the repaired model, its new corpus, the model it supersedes.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assent.canon import canonical, keyed, sha256
from assent.corpus.build import erase_text, without
from assent.corpus.manifest import check_parts, read_manifest
from assent.corpus.tables import part_path
from assent.files import publish_folder, write_whole
from assent.forget.certificate import Certificate, ShardRepair
from assent.forget.reach import Reach, reach, replayed_share
from assent.forget.repair import destroy, replay_shards
from assent.project.building import commit, plan_key, policies_in_force, sealed_plans
from assent.project.place import Place, Progress
from assent.project.serving import Shard, Standing, standing
from assent.project.training import (
    log_model,
    logged,
    name_of,
    read_summary,
    write_summary,
)
from assent.terms import EventKind
from assent.train.parallel import Trained as TrainedShard
from assent.train.parallel import train_alone
from assent.train.plan import Plan

JOB = "forget"
