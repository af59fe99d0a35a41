"""Which hosts can reproduce a plan, and the short run that shows it.

Other processors, vector widths and library versions give other bits. A plan is sealed
on one class of host and is refused on any other, before it trains or repairs.
"""

import os
import platform
from dataclasses import replace
from functools import cache
from pathlib import Path

import torch

from assent.canon import sha256
from assent.errors import TrainError
from assent.train.checkpoint import state_digest
from assent.train.exact import WORKSPACE, check_device, reproducible
from assent.train.loop import Trainer
from assent.train.plan import CPU, CUDA, Plan
from assent.train.rows import Row

GOLDEN_STEPS = 6
# Each of these changes bits on the processors where it was tried.
VARIABLES = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR")


def host_class(device: str = CPU) -> dict[str, str]:
    """Describe this host by what is known to change bits.

    Raises:
        TrainError: there is no such device.
    """
    check_device(device)
    found = {
        "system": platform.system(),
        "machine": platform.machine(),
        "torch": str(torch.__version__),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "mkl": str(torch.backends.mkl.is_available()),  # type: ignore[no-untyped-call]
        "mkldnn": str(torch.backends.mkldnn.enabled),
        "threads": "1",  # set by us, see `exact.reproducible`
        "denormals": "zero",  # likewise
    }
    if device == CUDA:
        gpu = torch.cuda.get_device_properties(0)
        found |= {
            "gpu": f"{gpu.name}, {gpu.multi_processor_count} processors",
            "cuda": str(torch.version.cuda),
            "cudnn": str(torch.backends.cudnn.version()),  # type: ignore[no-untyped-call]
            "cublas": os.environ.get("CUBLAS_WORKSPACE_CONFIG", WORKSPACE),
        }
    return found | {name: os.environ.get(name, "") for name in VARIABLES}


def golden_hash(plan: Plan, base: Path | None = None) -> str:
    """Train six steps on constant bytes, with the plan's own shapes and constants.

    One step has no rows and one has two microbatches. Depends on the architecture, the
    seed and the optimizer's constants, not on the host class or the golden hash.

    Noise is left out, for it is another one each time.

    Args:
        plan: sealed or not.
        base: folder of its base; None where it has none.

    Returns:
        The digest of the state, 64 hexadecimal digits.
    """
    return _golden(replace(plan, host={}, golden="", privacy=None), base)


@cache  # a host does not change while a process lives
def _golden(plan: Plan, base: Path | None) -> str:
    with reproducible(plan.device):
        trainer = Trainer(plan, base)
        for step in range(min(GOLDEN_STEPS, plan.run_steps)):
            count = {2: 0, 3: plan.rows + 1}.get(step, plan.rows)
            rows = [_constant_row(plan, step, n) for n in range(count)]
            trainer.take_step([_readable(row, trainer.tokens.size) for row in rows])
        return state_digest(trainer.state())


def _constant_row(plan: Plan, step: int, number: int) -> Row:
    """Make a row that looks like noise and is the same everywhere."""
    text = b"".join(
        bytes.fromhex(sha256(b"%d %d %d" % (step, number, part)))
        for part in range(plan.window // 32 + 1)
    )
    length = plan.window - number % (plan.window // 2)
    return Row(b"", "constant", number, text[:length], "constant")


def _readable(row: Row, size: int) -> Row:
    """Keep a row inside a vocabulary; few have less than 256 tokens."""
    return replace(row, tokens=[each % size for each in row.tokens])


def seal(draft: Plan, base: Path | None = None) -> Plan:
    """Complete a plan with this host's class and golden hash.

    Raises:
        TrainError: see `initial.initial`.
    """
    host = host_class(draft.device)
    return replace(draft, host=host, golden=golden_hash(draft, base))


def check_host(plan: Plan, base: Path | None = None) -> None:
    """Make sure that this host gives the plan's bits, by doing a little of its work.

    Args:
        plan: sealed.
        base: folder of its base; None where it has none.

    Raises:
        TrainError: the plan is not sealed, or this host cannot reproduce it.
    """
    if not plan.golden:
        raise TrainError(
            f"the plan of `{plan.model}` is not sealed",
            hint="seal it on the host that will train it",
        )
    found = host_class(plan.device)
    differing = sorted(
        name
        for name in found.keys() | plan.host.keys()
        if found.get(name) != plan.host.get(name)
    )
    if differing:
        raise TrainError(
            f"this host cannot reproduce the plan: it differs in {differing}",
            hint="use a host of the class that the plan names",
        )
    golden = golden_hash(plan, base)
    if golden != plan.golden:
        raise TrainError(
            "this host cannot reproduce the plan: "
            f"its golden hash is {golden}, not {plan.golden}",
            hint="use a host of the class that the plan names",
        )
