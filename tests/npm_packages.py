"""A fixture that installs packages from npm: named in `pytest_plugins`."""

import shutil
import subprocess

import pytest


@pytest.fixture(scope="session")
def npm_packages(tmp_path_factory):
    """Install a package once; give the folder where a script can be run with it."""
    folders = {}

    def install(package, script):
        if shutil.which("npm") is None or shutil.which("node") is None:
            pytest.skip("needs Node.js and npm")
        if package not in folders:
            folder = tmp_path_factory.mktemp("npm")
            (folder / "package.json").write_text("{}")
            command = ["npm", "install", "--no-audit", "--no-fund"]
            command += ["--ignore-scripts", package]
            try:
                ran = subprocess.run(
                    command, cwd=folder, capture_output=True, check=False, timeout=120
                )
            except subprocess.TimeoutExpired:
                pytest.skip(f"npm's registry has not given `{package}` in two minutes")
            if ran.returncode != 0:
                pytest.skip(f"npm cannot install `{package}` here")
            folders[package] = folder
        shutil.copy(script, folders[package])
        return folders[package]

    return install
