"""What pages of other origins get out of this machine: `python tests/browser/foreign.py`.

Reads JSON on stdin: `link` (signs in to the dashboard first, so that its cookie is there), `target`
(an origin), `calls` (`method`, `path`, `headers`, `body`) and `sockets` (paths). Pages of several
origins, served here, try every call in every way that a browser knows, once at the target and once
at a server of our own that allows everything. Writes by origin what the page read of the target and
of that server (`[way, text]`), and which ways arrived there: the others would prove nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

from conftest import CHROMIUM, QUIET, enter
from playwright.sync_api import Browser, Route, sync_playwright

REBOUND = "rebound.test"
RESOLVE = f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1"
SANDBOXED = "/sandboxed"
# Chromium asks before a page from elsewhere may speak to this machine; other browsers do not
ALLOW = "--disable-features=LocalNetworkAccessChecks"
WAY = "way"  # query parameter by which the permissive server knows how a request was sent
WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3

ATTACK = """async ({target, calls, sockets}) => {
  const read = [];
  const keep = (way, text) => { if (text) read.push([way, text]); };
  const within = (promise) => Promise.race([promise, new Promise(done => setTimeout(done, 1000))]);
  const address = (call, way) =>
    target + call.path + (call.path.includes("?") ? "&" : "?") + "way=" + way;
  const fetched = async (call, mode) => {
    const headers = mode === "cors" ? call.headers : {"content-type": "text/plain"};
    const method = mode === "cors" || call.method === "GET" ? call.method : "POST";
    const body = method === "GET" ? undefined : call.body;
    try {
      const answer = await fetch(address(call, mode),
        {method, mode, headers, body, credentials: "include"});
      keep(mode, await answer.text());
    } catch {}
  };
  const framed = async (call, way, go) => {
    const frame = document.createElement("iframe");
    frame.name = "frame" + Math.random();
    document.body.append(frame);
    const loaded = new Promise(done => { frame.onload = done; });
    go(frame);
    await within(loaded);
    try { keep(way, frame.contentDocument.body.innerText); } catch {}
  };
  const posted = (call) => framed(call, "form", frame => {
    const form = document.createElement("form");
    Object.assign(form, {method: "post", action: address(call, "form"), target: frame.name});
    for (const [name, value] of new URLSearchParams(call.body)) {
      const field = document.createElement("input");
      Object.assign(field, {type: "hidden", name, value});
      form.append(field);
    }
    document.body.append(form);
    form.submit();
  });
  const opened = async (call) => {
    const other = window.open(address(call, "window"));
    await new Promise(done => setTimeout(done, 300));
    try { keep("window", other.document.body.innerText); } catch {}
    if (other) other.close();
  };
  const image = (call) => new Promise(done => {
    const picture = new Image();
    picture.onload = () => { keep("image", "" + picture.width); done(); };
    picture.onerror = done;
    picture.src = address(call, "image");
  });
  const spoken = (path) => new Promise(done => {
    const socket = new WebSocket(address({path}, "websocket").replace("http", "ws"));
    socket.onopen = () => { keep("websocket", "opened"); socket.send("{}"); };
    socket.onmessage = (message) => { keep("websocket", message.data); };
    socket.onclose = done;
    setTimeout(done, 1500);
  });
  const tried = async (call) => {
    navigator.sendBeacon(address(call, "beacon"), call.body);
    await Promise.all([fetched(call, "cors"), fetched(call, "no-cors"), posted(call)]);
    if (call.method === "GET") {
      const shown = framed(call, "frame", frame => { frame.src = address(call, "frame"); });
      await Promise.all([shown, opened(call), within(image(call))]);
    }
  };
  for (const call of calls) await tried(call);
  await Promise.all(sockets.map(spoken));
  return read;
}"""


class Foreign(BaseHTTPRequestHandler):
    """Serves an empty page to everybody, and lets every page read it."""

    protocol_version = "HTTP/1.1"
    arrived: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        """An empty page; or a WebSocket that says one word."""
        self._arrive()
        key = self.headers.get("sec-websocket-key")
        if key is None:
            self._answer()
            return
        accepted = hashlib.sha1((key + WEBSOCKET_GUID).encode()).digest()  # noqa: S324 (RFC 6455)
        self.send_response(101)
        self.send_header("upgrade", "websocket")
        self.send_header("connection", "upgrade")
        self.send_header("sec-websocket-accept", base64.b64encode(accepted).decode())
        self.end_headers()
        self.wfile.write(b"\x81\x06secret\x88\x00")  # a text frame, and the closing one
        self.close_connection = True

    def do_POST(self) -> None:
        """The same page, whatever comes."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self._arrive()
        self._answer()

    do_PUT = do_DELETE = do_POST  # noqa: N815 (names of the library)
    do_OPTIONS = do_GET  # noqa: N815

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: a line for every request says nothing more."""

    def _arrive(self) -> None:
        query = urlsplit(self.path).query
        self.arrived.update(part.partition("=")[2] for part in query.split("&") if WAY in part)

    def _answer(self) -> None:
        page = b"<!doctype html><title>foreign</title><body>secret"
        self.send_response(200)
        for name, value in (
            ("content-type", "text/html"),
            ("content-length", str(len(page))),
            ("access-control-allow-origin", self.headers.get("origin", "*")),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "GET, POST, PUT, DELETE"),
            ("access-control-allow-headers", "authorization, content-type, x-amz-target"),
        ):
            self.send_header(name, value)
        if self.path.startswith(SANDBOXED):
            self.send_header("content-security-policy", "sandbox allow-scripts allow-forms")
        self.end_headers()
        self.wfile.write(page)


@contextmanager
def served() -> Iterator[int]:
    """A foreign server; gives its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Foreign)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def attacked(browser: Browser, page_address: str, target: str, order: dict[str, Any]) -> Any:
    """What a page at `page_address` reads of `target`."""
    context = browser.new_context()
    page = context.new_page()
    enter(page, order["link"])
    page.route(page_address, _fulfilled)
    page.goto(page_address)
    read = page.evaluate(ATTACK, {**order, "target": target})
    context.close()
    return read


def _fulfilled(route: Route) -> None:
    """The page of a name that was re-bound: its server is gone, the page is still there."""
    if urlsplit(route.request.url).path == "/rebound":
        route.fulfill(body="<!doctype html><body>", content_type="text/html")
    else:
        route.continue_()


def main(order: dict[str, Any]) -> dict[str, Any]:
    """Attack the target, and a server that allows everything, from every origin."""
    with sync_playwright() as playwright, served() as foreign, served() as permissive:
        arguments = [*QUIET, RESOLVE, ALLOW]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        origins = {
            "another port": f"http://127.0.0.1:{foreign}/",
            "another name": f"http://localhost:{foreign}/",
            "another site": f"http://{REBOUND}:{foreign}/",
            "a sandboxed page": f"http://127.0.0.1:{foreign}{SANDBOXED}",
        }
        results = {}
        open_target = f"http://127.0.0.1:{permissive}"
        for name, address in origins.items():
            results[name] = _both(browser, address, order["target"], address, open_target, order)
        rebound = f"http://{REBOUND}:{urlsplit(order['target']).port}"
        open_rebound = f"http://{REBOUND}:{permissive}"
        results["a rebound name"] = _both(
            browser, f"{rebound}/rebound", rebound, f"{open_rebound}/rebound", open_rebound, order
        )
        browser.close()
    return results


def _both(
    browser: Browser, page: str, target: str, open_page: str, open_target: str, order: Any
) -> dict[str, Any]:
    read = attacked(browser, page, target, order)
    Foreign.arrived.clear()
    open_read = attacked(browser, open_page, open_target, order)
    return {"read": read, "open": open_read, "arrived": sorted(Foreign.arrived)}


if __name__ == "__main__":
    json.dump(main(json.load(sys.stdin)), sys.stdout)
