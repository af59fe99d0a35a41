import shutil
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


def pytest_report_header() -> list[str]:
    missing = "not here; the tests marked `{}` are left out"
    return [
        "shared data and vectors: "
        + ("found" if SHARED.is_dir() else missing.format("shared")),
        "Java, for Spark: "
        + ("found" if shutil.which("java") else missing.format("spark")),
    ]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Other people's data and vectors, which stand beside the project."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder `shared` beside the project")
    return SHARED
