"""Scenarios as data: what a producer does and when the tailer is started and stopped, read from TOML files.

A file holds the cases of one requirement; SPEC.md and docs/scenarios.md describe the format. A word of the form
`$name` in a text stands for a word that varies with the seed, the same one wherever it stands in the case; `$$` is a
dollar sign.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from .clocks import INTERVAL
from .outcomes import ConformanceFailure, UsageProblem
from .played import Move, Played
from .reading import parse_toml
from .stage import Run, Stage
from .words import Words

CONTENTS = frozenset({"append", "append-old", "create", "truncate"})
PLACES = frozenset({"rename", "delete", "touch", "chmod", "link", "turn"})
SEEN = frozenset({"seen", "truncated"})
ON_A_FILE = CONTENTS | PLACES | SEEN
PLAIN = frozenset({"start", "stop", "settle", "deliver", "quiet", "looks"})
WITH_DATA = frozenset({"append", "append-old"})
WITH_ARGUMENT = {"chmod": "[0-7]{3,4}", "looks": "[0-9]{1,3}"}
"""Steps that take one argument, and how it is written: a mode in octal digits, a number of looks (within seconds)."""

LONGEST_TEXTS = 64 * 2**20
"""Characters of all repeated texts of a case together: they are not to fill the memory, nor the disk."""

LONGEST_INTERVAL = 10.0
"""Seconds: a tailer that looks more seldom would seem to stand still."""

CALM_INTERVAL = 0.3
"""Seconds between looks where a tailer is not to look while something long is written."""

Part = str | bytes


@dataclass(frozen=True)
class Step:
    """One thing that is done: its verb, the file's label where it has one, and its data or argument."""

    verb: str
    file: str = ""
    parts: tuple[Part, ...] = ()
    argument: str = ""


@dataclass(frozen=True)
class Scenario:
    """One case of a requirement.

    `in_time` has the oracle also judge that nothing came too early. `contains` is a filter: lines with that text are
    kept. `any_keys` gives the files keys that are not their positions. `interval` is in seconds.
    """

    requirement: str
    name: str
    steps: tuple[Step, ...]
    files: tuple[str, ...]
    prefixes: Mapping[str, str] = field(default_factory=dict)
    contains: str | None = None
    in_time: bool = False
    any_keys: bool = False
    interval: float = INTERVAL

    @property
    def slug(self) -> str:
        """The name as it stands in a check's id, in plain characters, which pytest leaves as they are."""
        return "".join(
            each if each.isascii() and each.isprintable() and each != "\\" else f"u{ord(each):04x}"
            for each in self.name.replace(" ", "-")
        )


class ScenarioError(UsageProblem):
    """A scenario file that cannot be read; the message names the file, the case and what is wrong."""


def load(text: str, where: str) -> tuple[Scenario, ...]:
    """The cases of the scenario file `text`; `where` names it in messages.

    Raises:
        ScenarioError: it is not TOML, or not a scenario.
    """
    try:
        document = parse_toml(text, where)
    except UsageProblem as problem:
        raise ScenarioError(str(problem)) from None
    requirement = document.get("requirement")
    cases = document.get("case")
    if not isinstance(requirement, str) or not isinstance(cases, list) or not cases:
        raise ScenarioError(f'{where} needs `requirement = "ID"` and at least one [[case]]')
    unknown = set(document) - {"requirement", "case"}
    if unknown:
        raise ScenarioError(f"{where} has an unknown field {sorted(unknown)[0]!r}")
    found = tuple(_case(requirement, case, where) for case in cases)
    names = [scenario.slug for scenario in found]
    for name in names:
        if names.count(name) > 1:
            raise ScenarioError(f"{where} has two cases of the name {name!r}")
    return found


def of_requirement(requirement: str) -> tuple[Scenario, ...]:
    """The cases that ship for the requirement of this id."""
    file = resources.files("taillog_fixtures") / "scenarios" / f"{requirement}.toml"
    return load(file.read_text(encoding="utf-8"), f"{requirement}.toml")


def dump(scenario: Scenario) -> str:
    """`scenario` as a scenario file, which `taillog check --scenario FILE` replays."""
    lines = [f"requirement = {_toml(scenario.requirement)}", "", "[[case]]", f"name = {_toml(scenario.name)}"]
    if scenario.prefixes:
        lines.append(f"prefixes = {{{', '.join(f'{k} = {_toml(v)}' for k, v in scenario.prefixes.items())}}}")
    if scenario.contains is not None:
        lines.append(f"contains = {_toml(scenario.contains)}")
    lines += [f"{name} = true" for name in ("in_time", "any_keys") if getattr(scenario, name)]
    if scenario.interval != INTERVAL:
        lines.append(f"interval = {scenario.interval}")
    lines.append("steps = [")
    for step in scenario.steps:
        words = [_toml(word) for word in (step.verb, step.file) if word]
        words += [step.argument if step.verb == "looks" else _toml(step.argument)] if step.argument else []
        parts = [_toml(part) if isinstance(part, str) else f'{{hex = "{part.hex()}"}}' for part in step.parts]
        lines.append(f"  [{', '.join([*words, *parts])}],")
    return "\n".join([*lines, "]", ""])


def _toml(text: str) -> str:
    """`text` as a basic string of TOML, which JSON's strings are but for the character DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


CASE_FIELDS = frozenset({"name", "steps", "prefixes", "contains", "in_time", "any_keys", "interval"})


def _case(requirement: str, case: object, where: str) -> Scenario:
    if not isinstance(case, dict):
        raise ScenarioError(f"{where} has a case that is no table: {case!r}")
    name = case.get("name")
    if not isinstance(name, str) or not name:
        raise ScenarioError(f"{where} has a case without a name")
    where = f"{where}, case {name!r}"
    unknown = set(case) - CASE_FIELDS
    if unknown:
        raise ScenarioError(f"{where}: unknown field {sorted(unknown)[0]!r}")
    listed = case.get("steps", [])
    if not isinstance(listed, list):
        raise ScenarioError(f"{where}: the steps are a list, not {listed!r}")
    if sum(_repeated(part) for step in listed if isinstance(step, list) for part in step) > LONGEST_TEXTS:
        raise ScenarioError(f"{where}: the repeated texts are longer than {LONGEST_TEXTS // 2**20} MiB together")
    steps = tuple(_step(step, where) for step in listed)
    verbs = [step.verb for step in steps]
    if verbs.count("start") != 1 or verbs.count("stop") != 1 or verbs.index("start") > verbs.index("stop"):
        raise ScenarioError(f"{where}: it needs one start and, after it, one stop")
    files = dict.fromkeys(step.file for step in steps if step.file)
    prefixes = case.get("prefixes", {})
    if not isinstance(prefixes, dict):
        raise ScenarioError(f"{where}: the prefixes are a table of texts by file, not {prefixes!r}")
    for label, prefix in prefixes.items():
        if label not in files:
            raise ScenarioError(f"{where}: a prefix for {label!r}, which no step names")
        _text(prefix, where)
    contains = case.get("contains")
    if contains is not None:
        _text(contains, where)
    for field_name in ("in_time", "any_keys"):
        if not isinstance(case.get(field_name, False), bool):
            raise ScenarioError(f"{where}: {field_name} is true or false, not {case[field_name]!r}")
    return Scenario(
        requirement,
        name,
        steps,
        tuple(files),
        prefixes,
        contains,
        case.get("in_time", False),
        case.get("any_keys", False),
        _interval(case, where),
    )


def _interval(case: Mapping[str, Any], where: str) -> float:
    interval = case.get("interval", INTERVAL)
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval <= LONGEST_INTERVAL:
        raise ScenarioError(f"{where}: the interval has to be a number of seconds, {LONGEST_INTERVAL:g} at the most")
    return float(interval)


def _step(step: object, where: str) -> Step:
    if not isinstance(step, list) or not step or not isinstance(step[0], str):
        raise ScenarioError(f"{where}: a step is a list that begins with its verb, not {step!r}")
    verb, *rest = step
    if verb not in ON_A_FILE | PLAIN:
        known = ", ".join(sorted(ON_A_FILE | PLAIN))
        raise ScenarioError(f"{where}: unknown step {verb!r}; the steps are {known}")
    file = ""
    if verb in ON_A_FILE:
        if not rest or not isinstance(rest[0], str) or not rest[0].isidentifier():
            raise ScenarioError(f"{where}: {verb} needs the label of a file, a plain word")
        file, *rest = rest
    if verb in WITH_DATA:
        if not rest:
            raise ScenarioError(f"{where}: {verb} needs a text")
        return Step(verb, file, tuple(_part(part, where) for part in rest))
    if verb in WITH_ARGUMENT and len(rest) == 1:
        argument = str(rest[0])
        if not re.fullmatch(WITH_ARGUMENT[verb], argument):
            raise ScenarioError(f"{where}: {verb} does not take {rest[0]!r}")
        return Step(verb, file, argument=argument)
    if rest or verb in WITH_ARGUMENT:
        raise ScenarioError(f"{where}: {verb} takes {'one argument' if verb in WITH_ARGUMENT else 'no more'}")
    return Step(verb, file)


def _repeated(part: object) -> int:
    """Characters, about, of a part that is a text repeated; others are no longer than the file that they stand in."""
    match part:
        case {"repeat": str(text), "times": int(times)} if times > 0:
            return len(text) * times
        case {"numbered": str(text), "lines": int(lines)} if lines > 0:
            return len(f"{text} {lines}\n") * lines
    return 0


def _part(part: object, where: str) -> Part:
    if isinstance(part, str):
        return _text(part, where)
    if isinstance(part, dict) and set(part) == {"hex"}:
        try:
            return bytes.fromhex(part["hex"])
        except (ValueError, TypeError):
            raise ScenarioError(f"{where}: {part['hex']!r} is not hexadecimal") from None
    if isinstance(part, dict) and set(part) == {"repeat", "times"}:
        if type(part["times"]) is not int or part["times"] < 1:
            raise ScenarioError(f"{where}: {part['times']!r} is no number of times")
        return _text(part["repeat"], where) * part["times"]
    if isinstance(part, dict) and set(part) == {"numbered", "lines"}:
        if type(part["lines"]) is not int or part["lines"] < 1:
            raise ScenarioError(f"{where}: {part['lines']!r} is no number of lines")
        text = _text(part["numbered"], where)
        return "".join(f"{text} {number}\n" for number in range(part["lines"]))
    raise ScenarioError(
        f'{where}: {part!r} is no text; write "text", {{hex = "ff"}}, {{repeat = "x", times = 9}} or '
        '{numbered = "x", lines = 9}'
    )


def _text(text: object, where: str) -> str:
    if not isinstance(text, str):
        raise ScenarioError(f"{where}: {text!r} is no text")
    if not string.Template(text).is_valid():
        raise ScenarioError(f"{where}: {text!r} has a $ that begins no word; a dollar sign is $$")
    return text


class _Texts(Mapping[str, str]):
    """A word for each name that is asked for, kept for the case."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._given: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        return self._given.setdefault(name, self._words.word()) if name not in self._given else self._given[name]

    def __iter__(self) -> Any:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def filled(self, parts: Iterable[Part]) -> bytes:
        return b"".join(part if isinstance(part, bytes) else self.text(part).encode() for part in parts)

    def text(self, template: str) -> str:
        return string.Template(template).substitute(self)


def play(stage: Stage, scenario: Scenario, *, piece_optional: bool = False) -> Run:
    """Play `scenario` and judge what came; if `piece_optional`, an unterminated last piece need not have (FRM-2 asks
    for that).

    Raises:
        ConformanceFailure: the destination does not hold what it has to.
    """
    texts = _Texts(stage.words)
    keep = texts.text(scenario.contains) if scenario.contains is not None else None
    options: dict[str, Any] = {"interval": scenario.interval}
    if scenario.prefixes:
        options["prefixes"] = {label: texts.text(prefix) for label, prefix in scenario.prefixes.items()}
    if keep is not None:
        options["filter"] = lambda line: keep in line
    if scenario.any_keys:
        options["keys"] = stage.words.keys(len(scenario.files))
    run = stage.open(scenario.files, **options)
    run.piece_optional = piece_optional
    if keep is not None:
        run.keeps = lambda text: keep in text
    try:
        for step in scenario.steps:
            perform(run, step, texts.filled(step.parts))
        run.judge(in_time=scenario.in_time)
    except ConformanceFailure as failure:
        failure.scenario = dump(scenario)
        if type(failure) is ConformanceFailure:  # not a call that raised or hung
            moves = tuple(
                Move(step.verb, step.file, texts.filled(step.parts), step.argument) for step in scenario.steps
            )
            prefixes = run.prefixes if isinstance(run.prefixes, Mapping) else {}
            files = {label: file.key for label, file in run.files.items()}
            failure.played = Played(files, moves, prefixes, keep, scenario.in_time, scenario.interval)
        raise
    return run


def perform(run: Run, step: Step, data: bytes) -> None:
    """Do one step in `run`."""
    if step.verb in ON_A_FILE:
        file = run[step.file]
        match step.verb:
            case "append":
                file.append(data)
            case "append-old":
                file.append_old(data)
            case "chmod":
                file.chmod(int(step.argument, 8))
            case "seen":
                run.seen(step.file)
            case "truncated":
                run.seen_truncated(step.file)
            case verb:
                getattr(file, verb)()
        return
    match step.verb:
        case "deliver":
            run.must_deliver()
        case "looks":
            run.looks(int(step.argument))
        case verb:
            getattr(run, verb)()
