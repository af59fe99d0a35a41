from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


def pytest_report_header() -> str:
    if SHARED.is_dir():
        return "shared data and vectors: found beside the project"
    return (
        "shared data and vectors: not beside the project; "
        "the tests marked `shared` are left out"
    )


@pytest.fixture(scope="session")
def shared() -> Path:
    """Other people's data and vectors, which stand beside the project."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder `shared` beside the project")
    return SHARED
