"""Exact: the settings of torch under which the same work gives the same bits."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from assent.errors import TrainError
from assent.train.plan import CPU, CUDA

WORKSPACE = ":4096:8"  # of cuBLAS; two of the values that make it exact


@contextmanager
def reproducible(device: str = CPU) -> Iterator[None]:
    """Compute with the settings under which equal plans give equal bits on one host.

    One thread, because sums are split by thread; parallel work goes across shards.
    Denormal numbers count as zero: the moments of a rare byte decay into them, where
    one step takes ten times as long. On a GPU, attention is computed by the one kernel
    whose backward pass adds in a fixed order.

    Args:
        device: of the plan.

    Raises:
        TrainError: the processor cannot treat denormal numbers as zero, or there is no
            such device.
    """
    check_device(device)
    threads = torch.get_num_threads()
    strict = torch.are_deterministic_algorithms_enabled()
    precision = torch.get_float32_matmul_precision()
    flushing = _flushes_denormals()  # there is no getter to ask
    torch.set_num_threads(1)
    _one_interop_thread()
    torch.use_deterministic_algorithms(True)
    torch.set_float32_matmul_precision("highest")
    if not torch.set_flush_denormal(True):
        raise TrainError("this processor cannot treat denormal numbers as zero")
    try:
        with _exact_kernels(device):
            yield
    finally:
        torch.set_flush_denormal(flushing)
        torch.set_float32_matmul_precision(precision)
        torch.use_deterministic_algorithms(strict)
        torch.set_num_threads(threads)


@cache
def _one_interop_thread() -> None:
    """Ask for one; torch lets it be set once, and eager operators do not use it."""
    with suppress(RuntimeError):
        torch.set_num_interop_threads(1)


def _flushes_denormals() -> bool:
    return float(torch.tensor(1e-40) * torch.tensor(1.0)) == 0.0


def check_device(device: str) -> None:
    """Make sure that a plan's device is here. Raises: TrainError: it is not."""
    if device == CUDA and not torch.cuda.is_available():
        raise TrainError(
            "the plan trains on a CUDA device, and this host has none",
            hint="use a host of the class that the plan names",
        )


@contextmanager
def _exact_kernels(device: str) -> Iterator[None]:
    """Keep to kernels of a GPU that add in a fixed order."""
    if device == CPU:
        yield
        return
    # Read when cuBLAS is first used; what somebody else set is in the host class.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", WORKSPACE)
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32
    cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32 = True, False, False
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32 = before
