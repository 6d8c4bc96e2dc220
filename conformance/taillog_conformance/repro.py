"""`taillog repro REPORT ID`: a failure of a report as a script of its own, for a bug report to who has not the kit.

The script plays the steps of the failure with the standard library alone. What has to come is worked out here, by the
same model that judged, and stands in the script as it is. A script for a right tailer ends with 0 however slow it is:
its waits end when what they wait for has come, and those that must not fail have the suite's bounds.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import model, oracle
from .adapters.command import FILE, FILES, FLAG, PREFIX
from .clocks import MUST_HAPPEN_WITHIN
from .contract import Contract, Requirement
from .outcomes import UsageProblem
from .reading import read_json
from .timeline import Event

MOST_LINES = 60
"""Lines beyond which a script is not short any more."""

NAME = "repro"
"""The name that the script gives to the tailer, for its default header."""

ROUNDS = 5
"""Times that a script tries what was a matter of chance: the suite's own check had its luck too."""

SELDOM = 0.2
"""Seconds between looks in every other round: a tailer that sleeps long is easily surprised by stop()."""

_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_LABEL = re.compile(r"[a-z][a-z0-9_]*")
_PLACE = re.compile(r"([\w.-]+):([0-9]+)")

SOFT_WAIT = 1.0
"""Seconds that a script waits for lines which need not have come yet; long, for it has no other way to know."""


class NoScript(UsageProblem):
    """No script can show this failure; the message is one line that says why."""


def failures_of(document: Mapping[str, Any], id: str) -> list[Mapping[str, Any]]:
    """The failed checks of the requirement `id` in a report.

    Raises:
        NoScript: it did not fail, or is not in the report.
    """
    rows = [row for row in document["requirements"] if row["id"] == id]
    if not rows:
        raise NoScript(f"the report has no requirement {id}")
    failed = [check for check in rows[0]["checks"] if check["status"] == "fail"]
    if not failed:
        raise NoScript(f"{id} did not fail in this report: its status is {rows[0]['status']}")
    return failed


def read_report(path: Path) -> Mapping[str, Any]:
    """A report's document.

    Raises:
        UsageProblem: it cannot be read, or is no report; one line.
    """
    document = read_json(path, "JSON report")
    if not isinstance(document, dict) or not {"schema", "target", "requirements"} <= set(document):
        raise UsageProblem(f"{path} is no JSON report: write one by taillog check TARGET --json FILE")
    return document


def script(document: Mapping[str, Any], id: str, contract: Contract) -> str:
    """The script for the first failure of `id` in a report that one can be written for.

    Raises:
        NoScript: there is none; one line that says why.
    """
    reasons = []
    try:
        for check in sorted(failures_of(document, id), key=_came_by_luck):
            try:
                return _Script(document["target"], contract.get(id), check).text()
            except NoScript as reason:
                reasons.append(str(reason))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NoScript(f"the report is not as this version of the kit writes it: {error!r}") from None
    raise NoScript(f"no script can show the failure of {id}: {reasons[0]}")


def _came_by_luck(check: Mapping[str, Any]) -> bool:
    """Whether nothing held the tailer where it fails: a race that showed by itself may not show in a script."""
    played = (check.get("failure") or {}).get("played") or {"steps": []}
    return not any(step[0] == "hold" for step in played["steps"])


@dataclass
class _Script:
    """One script in the making."""

    target: Mapping[str, Any]
    requirement: Requirement
    check: Mapping[str, Any]
    code: list[str] = field(default_factory=list)

    def text(self) -> str:
        played = (self.check.get("failure") or {}).get("played")
        if not played:
            raise NoScript(
                "its check judges by more than the lines that came, or what it wrote is too long; the command in the "
                "report's `repeat` shows it again"
            )
        self.played = played
        self.files: dict[str, int] = played["files"]
        for label in self.files:
            if not _LABEL.fullmatch(label):
                raise NoScript(f"the file label {label!r} is no name")
        self.moves = [(step[0], step[1], step[2], _bytes(step[3:])) for step in played["steps"]]
        self.held = next((argument for verb, _, argument, _ in self.moves if verb == "hold"), None)
        self.is_command = self.target["adapter"] == "command"
        self.sources, self.counts = self._model()
        self.headers = {label: self._header(label) for label in self.files}
        self._refuse_what_cannot_be_told_apart()
        top = self._top()
        played_once = [f"    {line}" if line else "" for line in (*self._play(), *self._end())]
        usual = f"{self.played['interval']:g}"
        intervals = f"[{usual}]" if self.check["failure"]["scenario"] else f"[{usual}, {SELDOM:g}] * {ROUNDS}"
        lines = [*top, "def play(interval):", *played_once, "", f"for interval in {intervals}:"]
        lines.append("    got = play(interval)")
        text = "\n".join([*lines, 'print("as expected:", repr(got)[:3000])', ""])
        if text.count("\n") >= MOST_LINES:
            raise NoScript(
                f"it would take {text.count(chr(10))} lines; --scenario replays it from the report's scenario"
            )
        return text

    # What has to come.

    def _model(self) -> tuple[list[oracle.Source], list[int]]:
        """What each file has to bring, and after each step how many lines must have come if the tailer keeps up."""
        events: list[Event] = []
        counts = []
        keep = self.played["contains"]
        keeps = None if keep is None else lambda text: keep in text
        for verb, file, _, data in self.moves:
            if verb == "turn":
                events += [Event(0, "producer", model.RENAME, file), Event(0, "producer", model.CREATE, file)]
            elif verb in ("start", "stop"):
                events.append(Event(0, "tailer", verb))
            elif verb in ("settle", "deliver"):
                events += [Event(0, "check", model.SEEN, label) for label in self.files]
            elif verb not in ("seen", "truncated", "quiet", "looks", "hold", "release"):
                events.append(Event(0, "producer", verb, file, data))
            found = model.sources(events, list(self.files), lambda label: ("",), keeps)
            counts.append(sum(not line.optional and not _unfinished(line, events) for s in found for line in s.lines))
        return found, counts

    def _header(self, label: str) -> str:
        key = self.files[label]
        if "prefix" not in self.target["capabilities"]:
            return ""
        return str(self.played["prefixes"].get(str(key), f"[{NAME}{key}]:"))

    def _refuse_what_cannot_be_told_apart(self) -> None:
        if self.is_command and len(self.files) > 1:
            raise NoScript("it takes several files, and for a program there is one process a file")
        if len(set(self.headers.values())) < len(self.headers):
            raise NoScript("the lines of its files cannot be told apart by their headers")

    # The parts of the script.

    def _top(self) -> list[str]:
        statement = f"{self.requirement.id} ({self.requirement.level}): {self.requirement.statement}"
        says = textwrap.wrap(statement.replace("\\", " "), 110, break_long_words=False)
        says[0] = '"""' + says[0]
        says += [
            "",
            "Made by taillog repro, to be run where the tailer is. It ends with 0 if that holds, with 1 if not.",
            '"""',
        ]
        modules = {"os", "sys", "tempfile", "time"} | ({"threading"} if self.held else set())
        modules |= {"re"} if self._has_replacements() else set()
        modules |= {"subprocess"} if self.is_command else {"io"}
        lines = [*says, f"import {', '.join(sorted(modules))}", ""]
        if not self.is_command:
            name = str(self.target["name"])
            if self.target["adapter"] != "class" or not _TARGET.fullmatch(name):
                raise NoScript(f"the target {name!r} is driven by an adapter, which a script without the kit has not")
            module, _, path = name.partition(":")
            first, *rest = path.split(".")
            lines += ["sys.path.insert(0, os.getcwd())", f"from {module} import {first}"]
            lines += [f"Tailer = {path}"] if rest else []
            self.tailer = path if not rest else "Tailer"
        return [*lines, ""]

    def _play(self) -> list[str]:
        wait = [
            "def wait(count, seconds):  # until so many lines have come",
            "    ends = time.monotonic() + seconds",
            '    while out().count("\\n") < count and time.monotonic() < ends:',
            "        time.sleep(0.01)",
            '    return out().count("\\n") >= count',
            "def fail(expected, got):",
            '    print(f"expected: {expected!r}"[:3000], f"got:      {got!r}"[:3000], sep="\\n", flush=True)',
            "    os._exit(1)  # though a thread of the tailer's may hang",
        ]
        body = ["folder = tempfile.mkdtemp()"]
        body += [f"{label}_path = os.path.join(folder, {label + '.log'!r})" for label in self.files]
        body += [*self._tailer(), *wait, *(self._trace() if self.held else [])]
        open_files: set[str] = set()
        arm = self._arms_before()
        for number, (verb, file, argument, data) in enumerate(self.moves):
            if number == arm:
                body.append("armed.set()")
            body += self._move(number, verb, file, argument, data, open_files)
        return body

    def _tailer(self) -> list[str]:
        if self.is_command:
            words = shlex.split(str(self.target["name"]))
            for placeholder in (FILES, PREFIX, FLAG):
                if any(placeholder in word for word in words):
                    raise NoScript(f"the command has {placeholder}, and a script knows a command with {FILE} alone")
            if not any(FILE in word for word in words):
                raise NoScript("the report names the program by a name of its adapter's, not by its command")
            (label,) = self.files
            usual = f"{self.played['interval']:g}"
            shown = ", ".join(
                f"{label}_path"
                if word == FILE
                else repr(word.replace("{interval}", usual))
                if FILE not in word
                else f"{word!r}.replace('{{file}}', {label}_path)"
                for word in words
            )
            return [
                f"command = [{shown}]",
                'output = os.path.join(folder, "output")',
                "def out():",
                '    return open(output, encoding="utf-8", errors="replace", newline="").read()',
            ]
        paths = ", ".join(f"{key}: {label}_path" for label, key in self.files.items())
        more = ", interval_sec=interval"
        if self.played["prefixes"]:
            prefixes = {int(key): prefix for key, prefix in self.played["prefixes"].items()}
            more += f", log_line_prefixes={prefixes!r}"
        if self.played["contains"] is not None:
            more += f", log_line_filter=lambda line: {self.played['contains']!r} in line"
        return [
            "dst = io.StringIO(newline='')",
            "out = dst.getvalue",
            f"tailer = {self.tailer}({NAME!r}, {{{paths}}}, dst{more})",
        ]

    def _trace(self) -> list[str]:
        place = _PLACE.fullmatch(self.held or "")
        if place is None or self.is_command:
            raise NoScript("the place at which the tailer's thread was held is not known")
        return [
            "armed, held, go = threading.Event(), threading.Event(), threading.Event()",
            f"def hold(frame, event, _):  # the tailer's thread, at line {place[2]} of {place[1]}",
            f"    if os.path.basename(frame.f_code.co_filename) == {place[1]!r}:",
            f'        if event == "line" and frame.f_lineno == {place[2]} and armed.is_set() and not held.is_set():',
            "            held.set() or go.wait(10)",
            "        return hold",
            "threading.settrace(hold)",
        ]

    def _arms_before(self) -> int | None:
        """The step before which the hold is armed: the first of those that have to happen for it to be passed."""
        at = next((number for number, move in enumerate(self.moves) if move[0] == "hold"), None)
        while at and self.moves[at - 1][0] not in ("start", "settle", "seen", "quiet", "looks", "deliver"):
            at -= 1
        return at

    def _move(self, number: int, verb: str, file: str, argument: str, data: bytes, open_files: set[str]) -> list[str]:
        path, old = f"{file}_path", f"{file}_old"
        match verb:
            case "append":
                opens = [] if file in open_files else [f'{file} = open({path}, "ab", 0)']
                open_files.add(file)
                return [*opens, f"{file}.write({_literal(data)})"]
            case "create":
                keeps = f"{old}, {file} = {file}, open" if file in open_files else f"{file} = open"
                open_files.add(file)
                return [f'{keeps}({path}, "ab", 0)']
            case "append-old":
                return [f"{old}.write({_literal(data)})"]
            case "truncate":
                return [f"os.truncate({path}, 0)"]
            case "rename":
                times = sum(move[:2] == ("rename", file) for move in self.moves[: number + 1])
                return [f'os.replace({path}, {path} + ".{times}")']
            case "delete":
                open_files.discard(file)
                return [f"os.unlink({path})"]
            case "touch":
                return [f"os.utime({path})"]
            case "chmod":
                return [f"os.chmod({path}, 0o{int(argument, 8):o})"]
            case "link":
                return [f'os.symlink({path} + ".target0", {path})']
            case "turn":
                open_files.add(file)
                target = f'{path} + ".target{number}"'
                return [
                    f'{file} = open({target}, "ab", 0)',
                    f'os.symlink({target}, {path} + ".new")',
                    f'os.replace({path} + ".new", {path})',
                ]
            case "start":
                return self._start()
            case "stop":
                return [*self._in_time(number), *self._stop()]
            case "hold":
                return ['held.wait(2) or print("the thread did not come to that line: a race may not show")']
            case "release":
                return ["go.set()"]
            case "settle" | "deliver":
                return [*self._wait(number, verb), *self._in_time(number)]
            case "seen" | "truncated" | "quiet" | "looks":
                if number and self.moves[number - 1][0] in ("seen", "truncated", "quiet", "looks"):
                    return []
                return ["time.sleep(0.3)", *self._in_time(number)]
        raise NoScript(f"the step {verb!r} is not known")

    def _start(self) -> list[str]:
        if not self.is_command:
            return ["tailer.start()"]
        return ['program = subprocess.Popen(command, stdout=open(output, "wb"), stderr=subprocess.DEVNULL)']

    def _stop(self) -> list[str]:
        if self.is_command:
            return [
                f"wait({self.counts[-1]}, {SOFT_WAIT:g})",
                "time.sleep(0.3)  # a program cannot be told to drain",
                "program.terminate()",
                "program.wait()",
            ]
        # Released from a thread of its own: stop() waits for the thread that is held.
        return ["threading.Timer(0.3, go.set).start()", "tailer.stop()"] if self.held else ["tailer.stop()"]

    def _wait(self, number: int, verb: str) -> list[str]:
        """A wait that ends the script where the steps after it take for granted that the lines have come."""
        if self.moves[number + 1 : number + 2] and self.moves[number + 1][0] in ("settle", "deliver"):
            return []
        after = [move[0] for move in self.moves[number + 1 :]]
        waits = [at for at, each in enumerate(after) if each in ("settle", "deliver", "stop")]
        ends = {"truncate", "rename", "delete", "turn", "create"} & set(after[: waits[0]])
        if verb == "deliver" or ends:
            count = self.counts[number]
            late = f"{count} lines within {MUST_HAPPEN_WITHIN:g} s, while it runs"
            return [f"wait({count}, {MUST_HAPPEN_WITHIN:g}) or fail({late!r}, out())"]
        return [f"wait({self.counts[number]}, {SOFT_WAIT:g})"]

    def _in_time(self, number: int) -> list[str]:
        """Where it matters: that nothing has come by now of a line that is not complete yet."""
        if not self.played["in_time"]:
            return []
        pieces = self._pieces(number)
        if not pieces:
            return []
        early = "no piece of a line before its end is written"
        return [f"any(piece in out() for piece in {pieces!r}) and fail({early!r}, out())"]

    def _pieces(self, number: int) -> list[str]:
        """The unterminated ends that the files have after the step `number`."""
        ends: dict[str, bytes] = {}
        for verb, file, _, data in self.moves[: number + 1]:
            if verb == "append":
                ends[file] = (ends.get(file, b"") + data).rpartition(b"\n")[2]
        return [oracle.decode(end) for end in ends.values() if end.strip()]

    # The judgement.

    def _end(self) -> list[str]:
        lines = {label: [line for s in self._of(label) for line in s.lines] for label in self.files}
        every = [line for found in lines.values() for line in found]
        optional = any(line.optional or line.cut_from for line in every)
        expected = {self.headers[label]: [line.text for line in found] for label, found in lines.items()}
        clean = ""
        if self._has_replacements():
            # How many U+FFFD a decoder makes of one run of bad bytes is its own.
            expected = {header: [oracle.canonical(text) for text in texts] for header, texts in expected.items()}
            clean = 'text = re.sub("\\ufffd+", "\\ufffd", text)'
        body = ["", f"expected = {_texts(expected)}"]
        if optional:
            musts = {self.headers[label]: [not line.optional for line in found] for label, found in lines.items()}
            body.append(f"must = {musts!r}  # the others may be left out")
        body += ["got = {header: [] for header in expected}", "text = out()"]
        body += ["by_length = sorted(expected, key=len, reverse=True)"]
        body += [clean] if clean else []
        body += [
            '*whole, rest = text.split("\\n")',
            "for line in [*whole, rest] if rest else whole:",
            '    header = next((each for each in by_length if line.startswith(each)), "of no file")',
            "    got.setdefault(header, []).append(line.removeprefix(header))",
        ]
        if any(line.text.endswith("\r") for line in every):
            body += [
                "# The CR of CR LF may be kept or dropped, always the same way.",
                'bare = {header: [each.removesuffix("\\r") for each in expected[header]] for header in expected}',
                "got in (expected, bare) or fail(expected, got)",
            ]
        elif optional:
            body += [
                "def fits(came, texts, needed):",
                "    for text, need in zip(texts, needed):",
                "        if came[:1] != [text] and need:",
                "            return False",
                "        came = came[1:] if came[:1] == [text] else came",
                "    return not came",
                "for header, came in got.items():",
                "    fits(came, expected.get(header, ()), must.get(header, ())) or fail(expected, got)",
            ]
        else:
            body.append("got == expected or fail(expected, got)")
        return [*body, "return got"]

    def _has_replacements(self) -> bool:
        return any(oracle.REPLACEMENT in line.text for source in self.sources for line in source.lines)

    def _of(self, label: str) -> Sequence[oracle.Source]:
        return [source for source in self.sources if source.name.partition(" ")[0] == label]


def _unfinished(line: oracle.Line, events: Sequence[Event]) -> bool:
    """Whether it is a piece that only stop() makes a line."""
    return events[line.available].lane == "tailer"


def _bytes(parts: Sequence[Any]) -> bytes:
    """The data of a step from its parts."""
    data = b""
    for part in parts:
        if isinstance(part, str):
            data += part.encode()
        elif "hex" in part:
            data += bytes.fromhex(part["hex"])
        else:
            data += str(part["repeat"]).encode() * int(part["times"])
    return data


def _literal(data: bytes) -> str:
    """An expression for `data`, short where it repeats itself."""
    from .played import parts_of

    shown = []
    for part in parts_of(data):
        if isinstance(part, str):
            shown.append(repr(part.encode()))
        elif "hex" in part:
            shown.append(repr(bytes.fromhex(str(part["hex"]))))
        else:
            shown.append(f"{str(part['repeat']).encode()!r} * {part['times']}")
    return " + ".join(shown) or "b''"


def _texts(expected: Mapping[str, Sequence[str]]) -> str:
    """An expression for the lines, short where one repeats itself."""
    rows = []
    for header, texts in expected.items():
        shown = []
        for text in texts:
            literal = _literal(text.encode())
            shown.append(f"({literal}).decode()" if " * " in literal else repr(text))
        rows.append(f"{header!r}: [{', '.join(shown)}]")
    return "{" + ", ".join(rows) + "}"
