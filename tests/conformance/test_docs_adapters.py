"""What docs/adapters.md shows is run."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from pathlib import Path

import pytest
from conftest import Command

pytestmark = pytest.mark.long

DOC = Path(__file__).parents[2] / "docs" / "adapters.md"

MYTAIL = textwrap.dedent("""
    from taillog_fixtures.correct.kinds import async_endless as follow_async, begin, idle as follow, told

    def events(path, stop):
        return ({"message": line.decode(errors="replace").removesuffix("\\n")} for line in told(path, stop, 0.01))

    class Tail:
        def __init__(self, path, on_line):
            self.path, self.on_line = path, on_line

        def start(self):
            self.end = begin(self.path, lambda line: self.on_line(line.decode(errors="replace").removesuffix("\\n")))

        def close(self):
            self.end()
""").lstrip()
"""The implementer's own module, which the examples import."""

NODE_MODULE = textwrap.dedent("""
    import { EventEmitter } from 'node:events'
    import fs from 'node:fs'

    // Just enough of a tailer for the example: it looks every ten milliseconds, and reads all there is when closed.
    export class Tail extends EventEmitter {
      constructor(path) {
        super()
        this.path = path
        this.seen = 0
        this.timer = setInterval(() => this.look(), 10)
      }

      look() {
        if (!fs.existsSync(this.path)) return
        const lines = fs.readFileSync(this.path, 'utf8').split('\\n').slice(0, -1)
        for (const line of lines.slice(this.seen)) this.emit('line', line)
        this.seen = lines.length
      }

      close() {
        clearInterval(this.timer)
        this.look()
      }
    }
""").lstrip()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOC.read_text(), re.DOTALL | re.MULTILINE)


def passes(taillog: Command, project: Path, *target: str) -> None:
    file = project / "report.json"
    done = taillog("check", *target, "--only", "DEL-1,DEL-2,DEL-3", "-n", 2, "-q", "--json", file)
    assert file.exists(), done.stderr
    rows = {row["id"]: row["status"] for row in json.loads(file.read_text())["requirements"]}
    assert {rows[f"DEL-{number}"] for number in (1, 2, 3)} == {"pass"}, done.stdout


@pytest.mark.parametrize("number", range(len(blocks("python"))))
def test_an_example_in_python(number: int, taillog: Command, project: Path) -> None:
    (project / "mytail.py").write_text(MYTAIL)
    (project / "mymodule.py").write_text(blocks("python")[number])
    passes(taillog, project, "mymodule:adapter")


def test_the_adapter_of_ones_own_is_the_object_that_it_declares_to_be(taillog: Command, project: Path) -> None:
    (project / "mytail.py").write_text(MYTAIL)
    (project / "mymodule.py").write_text(blocks("python")[-1])
    assert '"object"' in blocks("python")[-1]
    done = taillog("check", "mymodule:adapter", "--only", "LIF", "-n", 2, "-q", "--json", project / "report.json")
    rows = json.loads((project / "report.json").read_text())["requirements"]
    assert {row["status"] for row in rows if row["id"].startswith("LIF") and row["level"] == "MUST"} == {"pass"}, (
        done.stdout
    )


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node here")
def test_the_example_in_node(taillog: Command, project: Path) -> None:
    import taillog_fixtures

    (example,) = blocks("javascript")
    shutil.copy(Path(taillog_fixtures.__path__[0]) / "drivers" / "protocol.mjs", project)
    package = project / "node_modules" / "mytail"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "mytail", "type": "module", "exports": "./index.js"}')
    (package / "index.js").write_text(NODE_MODULE)
    (project / "driver.mjs").write_text(example)
    passes(taillog, project, "--driver", "node driver.mjs")


def test_every_capability_is_described() -> None:
    from taillog_conformance.contract import load_contract
    from taillog_conformance.target import FINER

    table = DOC.read_text().partition("| capability |")[2].partition("\n\n")[0]
    assert {*load_contract().capabilities, *FINER} == set(
        re.findall(r"`([a-z-]+)`", re.sub(r"\|[^|]*\|[^|]*\|$", "|", table, flags=re.M))
    )
