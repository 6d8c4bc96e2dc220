"""The HTML report in a real browser: nothing in it runs or loads, and its picture shows where a line went missing."""

from __future__ import annotations

import functools
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from test_views import REPORTS, render

from taillog_conformance.report.picture import BOX, LANES, MOST_COLUMNS

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next((path for name in BROWSERS if (path := shutil.which(name))), None)

OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1400,1000"),
    *("--virtual-time-budget=10000", "--dump-dom"),
)

BOUND = 120.0
"""Seconds after which the browser is taken to hang."""

PROBE = """<!DOCTYPE html><body><iframe src="/report.html" width="1400" height="1000"></iframe><pre id="found"></pre>
<script>
document.querySelector("iframe").onload = (event) => {
  const page = event.target.contentWindow, all = (what) => [...page.document.querySelectorAll(what)];
  const box = (element) => { const r = element.getBoundingClientRect();
    return {left: r.left, right: r.right, top: r.top, bottom: r.bottom, kind: element.getAttribute("class"),
            text: element.textContent}; };
  document.querySelector("#found").textContent = JSON.stringify({
    owned: String(page.owned), title: page.document.title,
    overflow: page.document.documentElement.scrollWidth - page.document.documentElement.clientWidth,
    pictures: all("svg").map((svg) => ({
      frame: box(svg),
      boxes: [...svg.querySelectorAll("g")].filter((g) => g.querySelector("rect")).map((g) => ({
        frame: box(g.querySelector("rect")), texts: [...g.querySelectorAll("text")].map(box)})),
      lanes: [...svg.querySelectorAll(".lane")].map(box), crosses: [...svg.querySelectorAll(".cross")].map(box),
      lost: [...svg.querySelectorAll(".lost")].map(box), came: [...svg.querySelectorAll(".came")].map(box),
      here: [...svg.querySelectorAll("rect.here")].map(box), texts: [...svg.querySelectorAll("text")].map(box)}))});
};
</script>"""
"""Shows the report in a frame, and writes down what the browser made of it."""

Command = Callable[..., subprocess.CompletedProcess[str]]
Look = Callable[[str], tuple[dict[str, Any], list[str]]]

pytestmark = pytest.mark.skipif(BROWSER is None, reason=f"no browser is installed: none of {', '.join(BROWSERS)}")


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Look]:
    """Opens a page in the browser: what it made of it, and what it asked the server for."""
    asked: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *words: object) -> None:
            asked.append(self.path)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def look(page: str) -> tuple[dict[str, Any], list[str]]:
        (tmp_path / "report.html").write_text(page, encoding="utf-8")
        (tmp_path / "probe.html").write_text(PROBE, encoding="utf-8")
        address = f"http://127.0.0.1:{server.server_port}/probe.html"
        words = [str(BROWSER), *OPTIONS, f"--user-data-dir={tmp_path / 'browser'}", address]
        done = subprocess.run(words, capture_output=True, text=True, timeout=BOUND, check=True)
        found = re.search('<pre id="found">(.+?)</pre>', done.stdout, re.DOTALL)
        assert found is not None, done.stdout + done.stderr
        document: dict[str, Any] = json.loads(unescape(found[1]))
        return document, asked

    yield look
    server.shutdown()
    server.server_close()


def test_nothing_of_a_hostile_report_runs_or_is_fetched(look: Look) -> None:
    found, asked = look(render("html", REPORTS["hostile"]))
    assert found["owned"] == "undefined"
    assert found["title"].startswith("<script>window.owned = 1</script>")
    assert set(asked) <= {"/probe.html", "/report.html", "/favicon.ico"}
    assert found["overflow"] == 0


def inside(inner: dict[str, Any], outer: dict[str, Any]) -> bool:
    return bool(
        outer["left"] <= inner["left"]
        and inner["right"] <= outer["right"]
        and outer["top"] <= inner["top"]
        and inner["bottom"] <= outer["bottom"]
    )


@pytest.mark.parametrize("name", ["hostile", "nonconformant"])
def test_the_picture_shows_where_the_line_went_missing(look: Look, name: str) -> None:
    found, _ = look(render("html", REPORTS[name]))
    assert len(found["pictures"]) == 3
    for picture in found["pictures"]:
        for box in picture["boxes"]:
            assert all(inside(text, box["frame"]) for text in box["texts"]), box
        lanes = dict(zip(LANES, picture["lanes"], strict=True))
        (cross,), (lost,), (here,) = picture["crosses"], picture["lost"], picture["here"]
        (wrote,) = [box["frame"] for box in picture["boxes"] if box["texts"][0]["text"] == "append a"]
        (stopped,) = [box["frame"] for box in picture["boxes"] if box["texts"][0]["text"] == "stopped"]
        assert wrote["kind"] == "box bad"
        assert lanes["destination"]["top"] < cross["top"]
        assert cross["bottom"] < lanes["tailer"]["top"]
        assert wrote["right"] <= cross["right"] < stopped["left"] + BOX
        assert lost["top"] <= wrote["bottom"] + 1
        assert lost["bottom"] >= lanes["destination"]["top"]
        assert here["left"] < stopped["left"]
        assert stopped["right"] < here["right"]
        assert any(text["text"] == "did not come" for text in picture["texts"])
        assert any(text["text"] == "a: 20 bytes" for text in picture["texts"])


def test_a_real_failure_has_its_picture(look: Look, taillog: Command, project: Path) -> None:
    done = taillog("check", "tiny:Lossy", "--only", "FRM-7", "-n", "0", "--scale", "0.5", "--html", "out.html")
    assert done.returncode == 1
    found, _ = look((project / "out.html").read_text(encoding="utf-8"))
    assert found["pictures"]
    for picture in found["pictures"]:
        assert picture["lost"]
        assert picture["here"]
        assert 3 < len(picture["boxes"]) <= MOST_COLUMNS
