"""What the benchmarks share: their arguments, their measurements, the machine."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

Measures = Mapping[str, tuple[str, str]]
"""By name of a measurement: its module, and its function there."""


def arguments(says: str | None, measures: Measures) -> argparse.ArgumentParser:
    """Give what reads the command line; `--one` is for a process of its own."""
    parser = argparse.ArgumentParser(description=says)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--only", nargs="+", choices=measures, default=list(measures))
    parser.add_argument("--one", choices=measures, help=argparse.SUPPRESS)
    return parser


def measure(measures: Measures, name: str) -> Callable[..., dict[str, Any]]:
    """Import what takes a measurement; the libraries of the others stay away."""
    module, function = measures[name]
    found: Callable[..., dict[str, Any]] = getattr(
        importlib.import_module(module), function
    )
    return found


def say_machine(more: str) -> None:
    """Print what the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores, python = os.cpu_count(), sys.version.split()[0]
    print(f"{cores} cores, {memory:.0f} GiB, Python {python}{more}")
