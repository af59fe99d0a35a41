import shutil
from pathlib import Path

import pytest
from hypothesis import settings

SHARED = Path(__file__).resolve().parents[1].parent / "shared"

# A busy machine is slow, and no test is about time.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

GO_PATH = Path("/usr/share/gocode")  # where Debian puts Go packages
GO = bool(shutil.which("go")) and (GO_PATH / "src/golang.org/x/mod/sumdb").is_dir()


def pytest_report_header() -> list[str]:
    missing = "not here; the tests marked `{}` are left out"
    return [
        "shared data and vectors: "
        + ("found" if SHARED.is_dir() else missing.format("shared")),
        "Java, for Spark: "
        + ("found" if shutil.which("java") else missing.format("spark")),
        "Go and golang.org/x/mod: " + ("found" if GO else missing.format("go")),
        "Node.js and npm: "
        + ("found" if shutil.which("npm") else missing.format("npm")),
    ]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Other people's data and vectors, which stand beside the project."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder `shared` beside the project")
    return SHARED


@pytest.fixture(scope="session")
def go_path() -> Path:
    """The Go packages that programs of the tests are built with."""
    if not GO:
        pytest.skip("needs Go and Debian's golang-golang-x-mod-dev")
    return GO_PATH
