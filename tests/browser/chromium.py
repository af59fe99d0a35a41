"""Chromium without a window: what a reader's browser makes of a page."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
DARK, LIGHT = 0, 1
CUT_OFF = """[...page.querySelectorAll('svg text')]
  .map(text => [text.textContent, text.getBoundingClientRect()])
  .filter(([_, box]) => box.width > 0)
  .filter(([_, box]) => box.left < 0 || box.right > page.documentElement.clientWidth)
  .map(([words, _]) => words)"""
"""For `measure`: the words of plots that stand outside of the page."""

SIZES = """[...page.querySelectorAll('svg text')]
  .filter(text => text.getBoundingClientRect().width > 0)
  .map(text => text.getBoundingClientRect().height)"""
"""For `measure`: how high the words of plots are, in CSS pixels."""

SECONDS = 60


def find() -> str:
    """Find the browser, or skip the test that needs it."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.skip(
        f"Chromium is missing (looked for {', '.join(NAMES)}); "
        "on Debian install it with `apt-get install chromium`"
    )


def measure(
    folder: Path, page: str, width: int, script: str, scheme: int = LIGHT
) -> Any:
    """Open a page `width` CSS pixels wide and evaluate an expression of JavaScript.

    The page stands unchanged in a frame: a window without a head is never narrower
    than about 500 pixels, and the page itself permits no script.

    Args:
        folder: for the wrapper and the browser's own files.
        page: HTML.
        width: of the frame, CSS pixels.
        script: an expression of `page` (its document) and `view` (its window).
        scheme: `LIGHT` or `DARK`.
    """
    wrapper = folder / "wrapper.html"
    wrapper.write_text(
        f"""<!DOCTYPE html><meta charset="utf-8"><body style="margin: 0">
<iframe id="frame" style="width: {width}px; height: 800px; border: 0"
 srcdoc="{html.escape(page)}"></iframe><pre id="found"></pre><script>
const frame = document.getElementById("frame");
frame.onload = () => {{
  const page = frame.contentDocument, view = frame.contentWindow;
  document.getElementById("found").textContent = JSON.stringify({script});
}};
</script>""",
        encoding="utf-8",
    )
    dom = run(folder, "--dump-dom", wrapper.as_uri(), scheme=scheme)
    (found,) = re.findall(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)
    return json.loads(html.unescape(found))


def screenshot(folder: Path, page: Path, width: int, height: int) -> bytes:
    """Photograph a page: PNG bytes."""
    target = folder / "page.png"
    size = f"--window-size={width},{height}"
    run(folder, size, f"--screenshot={target}", page.as_uri())
    return target.read_bytes()


def run(folder: Path, *arguments: str, scheme: int = LIGHT) -> str:
    """Run the browser once, in a profile of its own."""
    command = [
        find(),
        *QUIET,
        f"--user-data-dir={folder / 'profile'}",
        f"--blink-settings=preferredColorScheme={scheme}",
        *arguments,
    ]
    done = subprocess.run(command, capture_output=True, check=True, timeout=SECONDS)
    return done.stdout.decode()
