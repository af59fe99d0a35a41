"""The offline page in a browser: it is given bundles, and answers what it shows.

The page stands unchanged in a frame of a local file, as a member opens it. Bundles go
through its own file field. The answers come back by one request to this machine, since
the browser ends a printed document before the page has answered.
"""

import base64
import html
import json
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

from chromium import QUIET, find

SECONDS = 240


@dataclass(frozen=True, slots=True)
class Asked:
    """A bundle, what the reader types beside it, and a file chosen just before.

    Reading `before` takes longer than all that is done with the bundle.
    """

    bundle: bytes
    key: str = ""
    policy: str = ""
    before: bytes = b""


DRIVER = """
const cases = CASES, frame = document.getElementById("frame");
const wait = (doc, state) => new Promise((done) => {
  const look = () => doc.body.dataset.state === state ? done() : setTimeout(look, 1);
  look();
});
const texts = (doc, where) =>
  [...doc.querySelectorAll(where)].map((one) => one.textContent);
function choose(doc, bundle) {
  const bytes = Uint8Array.from(atob(bundle), (one) => one.charCodeAt(0));
  const dropped = new DataTransfer();
  dropped.items.add(new File([bytes], "some.bundle.json"));
  const field = doc.getElementById("file");
  field.files = dropped.files;
  field.dispatchEvent(new Event("change"));
}
// What is read meanwhile is there only when the function that is returned was called.
function slowly(act) {
  const kinds = [window.Blob, frame.contentWindow.Blob].map((one) => one.prototype);
  const whole = kinds.map((one) => one.arrayBuffer);
  let release;
  const held = new Promise((done) => { release = done; });
  kinds.forEach((one, at) => {
    one.arrayBuffer = async function () { await held; return whole[at].call(this); };
  });
  act();
  kinds.forEach((one, at) => { one.arrayBuffer = whole[at]; });
  return release;
}
async function answers() {
  const doc = frame.contentDocument, found = [];
  await wait(doc, "ready");
  for (const [bundle, key, policy, before] of cases) {
    doc.getElementById("key").value = key;
    doc.getElementById("policy").value = policy;
    const release = before ? slowly(() => choose(doc, before)) : () => {};
    doc.body.dataset.state = "asked";
    choose(doc, bundle);
    await wait(doc, "done");
    release();
    if (before) await new Promise((done) => setTimeout(done, 300));
    await wait(doc, "done");
    found.push({
      verdict: doc.getElementById("word").textContent,
      sentence: doc.getElementById("sentence").textContent,
      beside: doc.getElementById("beside").textContent,
      steps: texts(doc, "#steps li"),
      limits: texts(doc, "#limits li"),
      facts: texts(doc, "#facts dd"),
      width: doc.documentElement.scrollWidth,
      loaded: frame.contentWindow.performance.getEntriesByType("resource").length,
    });
  }
  return found;
}
frame.onload = () => answers().catch((error) => ({ error: String(error) })).then(
  (found) => fetch("ADDRESS",
    { method: "POST", mode: "no-cors", body: JSON.stringify(found) }));
"""


def ask(
    folder: Path, page: str, cases: Sequence[Asked], width: int = 1000
) -> list[dict[str, Any]]:
    """Give bundles to the page, one after the other, and read what it shows."""
    listed = [
        [
            *(base64.b64encode(one.bundle).decode(), one.key, one.policy),
            base64.b64encode(one.before).decode(),
        ]
        for one in cases
    ]
    with _listening() as (address, heard):
        driver = DRIVER.replace("CASES", json.dumps(listed), 1)
        driver = driver.replace("ADDRESS", address)
        wrapper = folder / "wrapper.html"
        wrapper.write_text(
            f"""<!DOCTYPE html><meta charset="utf-8"><body style="margin: 0">
<iframe id="frame" style="width: {width}px; height: 900px; border: 0"
 srcdoc="{html.escape(page)}"></iframe><script>{driver}</script>""",
            encoding="utf-8",
        )
        command = [find(), *QUIET, f"--user-data-dir={folder / 'profile'}"]
        command += ["--remote-debugging-port=0", wrapper.as_uri()]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as browser:
            try:
                found = heard()
            finally:
                browser.terminate()
    assert isinstance(found, list), found
    return found


@contextmanager
def _listening() -> Iterator[tuple[str, Any]]:
    """Wait on this machine for one answer."""
    said: list[Any] = []
    there = threading.Event()

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            said.append(json.loads(self.rfile.read(length)))
            self.send_response(204)
            self.end_headers()
            there.set()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    def heard() -> Any:
        assert there.wait(SECONDS), "the page did not answer"
        return said[0]

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/", heard
        finally:
            server.shutdown()
            thread.join()
