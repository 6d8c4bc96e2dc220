"""The pytest plugin: the options, the adapter fixture, the stage, and what each check came to.

It is loaded into every pytest run of an environment that has the kit installed, so it imports nothing of the suite
before a check asks for it, and shows nothing where no check was collected.
"""

from __future__ import annotations

import errno
import os
import random
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    import subprocess

    from .adapters import Adapter
    from .farewell import Farewell
    from .last_words import LastWords
    from .outcomes import ConformanceFailure
    from .report.model import CheckResult, Report
    from .smoke import Smoke
    from .stage import Stage
    from .strays import Process
    from .suite._registry import Check

MARK = "taillog"
PROPERTY = "taillog"
"""Name of the report property that carries a result from the process of the check to the one that reports."""

SEEDS = 2**32

THOROUGH = 20
"""Times the usual number of examples that a thorough run tries."""

_SEED: pytest.StashKey[int] = pytest.StashKey()
_SMOKES: pytest.StashKey[dict[object, Smoke]] = pytest.StashKey()
_CONTEXT: pytest.StashKey[dict[str, Any]] = pytest.StashKey()
_REPORTS: pytest.StashKey[dict[str, Report]] = pytest.StashKey()
_ADAPTER: pytest.StashKey[Adapter] = pytest.StashKey()
_FAREWELL: pytest.StashKey[Farewell] = pytest.StashKey()
_FAILED: pytest.StashKey[set[tuple[object, str]]] = pytest.StashKey()
_STRAYS: pytest.StashKey[list[set[Process]]] = pytest.StashKey()

_FOLDER: pytest.StashKey[Path] = pytest.StashKey()

COLLECTOR = "taillog-collector"
"""Name under which what takes the results is registered."""

_INTERPRETERS: pytest.StashKey[set[str]] = pytest.StashKey()

SUITE = Path(__file__).with_name("suite")

ON_RESULT = "taillog_on_result"
"""Name under which `taillog check` registers what it wants called with each result."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("taillog", "conformance of a log tailer")
    group.addoption("--tailer", metavar="MODULE:NAME", help="the tailer to check: module:Class or module:adapter")
    group.addoption("--tailer-command", metavar="CMD", help="the command to check, {file} where the path belongs")
    group.addoption("--tailer-driver", metavar="CMD", help="the driver to check, which speaks the protocol")
    group.addoption("--tailer-stop", metavar="HOW", help="how the command is stopped")
    group.addoption("--tailer-attribute", metavar="REGEX", help="which file a line of the command is of")
    group.addoption("--tailer-capability", metavar="NAME", action="append", default=[], help="declare a capability")
    group.addoption("--tailer-without", metavar="NAME", action="append", default=[], help="take a capability away")
    group.addoption(
        "--taillog-only", metavar="ID", action="append", default=[], help="only these requirements or areas"
    )
    group.addoption("--taillog-seed", metavar="N", type=int, help="the seed of names and texts (default: a new one)")
    group.addoption("--taillog-folder", metavar="DIR", help="make the checks' files here (default: the system's place)")
    group.addoption("--taillog-thorough", action="store_true", help="try properties with 20 times as many examples")
    group.addoption("--taillog-scenario", metavar="FILE", help="what taillog_conformance.replay plays")
    group.addoption("--taillog-limit", metavar="S", type=float, help="give up a check that takes longer")
    group.addoption("--taillog-scale", metavar="X", type=float, default=1.0, help="multiplies every time bound")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARK}(id, needs): a check of the requirement of this id")
    worker = getattr(config, "workerinput", {})
    seed = worker.get("taillog_seed", config.getoption("--taillog-seed"))
    config.stash[_SEED] = random.randrange(SEEDS) if seed is None else seed
    config.stash[_SMOKES] = {}
    config.stash[_REPORTS] = {}
    config.stash[_CONTEXT] = {}
    config.stash[_FAILED] = set()
    config.stash[_STRAYS] = []
    config.stash[_INTERPRETERS] = set()
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(_ForWorkers(config.stash[_SEED]), "taillog-for-workers")


class _ForWorkers:
    """Hands the seed to the workers of pytest-xdist: all have to agree on it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["taillog_seed"] = self._seed
        if any(spec.python for spec in node.nodemanager.specs):
            from .interpreters import keep_path

            keep_path(node)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        version = ".".join(map(str, node.workerinfo["version_info"][:3]))
        node.config.stash[_INTERPRETERS].add(version)


# What there is to run.


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Name the suite's modules by the import, not by the folder: workers of other interpreters have it elsewhere."""
    if module_path.parent != SUITE:
        return None
    name = f"{__package__}.{SUITE.name}.{module_path.stem}"
    module: pytest.Module = pytest.Module.from_parent(parent, path=module_path, nodeid=name)
    return module


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the checks of `--taillog-only`; tests that are no checks are left alone."""
    only = config.getoption("--taillog-only")
    if not only:
        return
    wanted = {requirement.id for requirement in _selected(only)}
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        mark = item.get_closest_marker(MARK)
        (kept if mark is None or mark.args[0] in wanted else dropped).append(item)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
        items[:] = kept


def _selected(names: list[str]) -> Any:
    from .contract import UnknownRequirement, load_contract

    try:
        return load_contract().select(names)
    except UnknownRequirement as error:
        raise pytest.UsageError(str(error)) from None


# What a check gets.


@pytest.fixture
def taillog_adapter(request: pytest.FixtureRequest) -> Adapter:
    """The adapter of the tailer under test. Override it in your own test module, or give --tailer."""
    from .guard import ENVIRONMENT, REPLACED, guarded
    from .outcomes import UsageProblem
    from .target import Target

    config = request.config
    if _ADAPTER not in config.stash:
        target = Target(
            config.getoption("--tailer"),
            config.getoption("--tailer-command"),
            tuple(config.getoption("--tailer-capability")),
            tuple(config.getoption("--tailer-without")),
            config.getoption("--tailer-driver"),
            config.getoption("--tailer-stop"),
            config.getoption("--tailer-attribute"),
        )
        if target.name is None and target.command is None and target.driver is None:
            pytest.fail(
                "no tailer to check: run pytest with --tailer module:Class or --tailer-command 'CMD {file}', or "
                "override the fixture taillog_adapter in this module to return a TailLogAdapter or CommandAdapter",
                pytrace=False,
            )
        try:
            # What a module sets in the environment while it is imported, or replaces, it may need later on.
            with guarded(without=[ENVIRONMENT, REPLACED], captured=_captured(config)):
                config.stash[_ADAPTER] = target.adapter()
        except UsageProblem as problem:
            pytest.fail(str(problem), pytrace=False)
    return config.stash[_ADAPTER]


@pytest.fixture
def _taillog_leftovers(request: pytest.FixtureRequest, taillog_adapter: Adapter) -> Iterator[None]:
    """Notes the processes, threads and exit handlers that a check leaves: they are ended with the run."""
    from .farewell import Farewell
    from .guard import few_descriptors
    from .strays import adopting, end

    config = request.config
    with config.stash.setdefault(_FAREWELL, Farewell()).watching(), adopting() as left, few_descriptors():
        yield
    if "object" in taillog_adapter.capabilities:
        config.stash[_STRAYS].append(left)  # it may keep a helper for the checks that follow
    else:
        end(left)  # a program's own, and it has ended


@pytest.fixture
def taillog_stage(
    request: pytest.FixtureRequest, taillog_adapter: Adapter, _taillog_leftovers: None
) -> Iterator[Stage]:
    """Where a check plays: the adapter, texts by the seed, the clocks. It ends all that the check began."""
    from .clocks import Clocks
    from .contract import load_contract
    from .guard import guarded
    from .last_words import LastWords
    from .memory import MEMORY, bounded_memory, in_mebibytes, resident
    from .outcomes import AdapterProblem, ConformanceFailure, NotApplicable, UsageProblem
    from .smoke import SILENT, smoke
    from .stage import Stage
    from .target import known_capabilities

    config = request.config
    mark = request.node.get_closest_marker(MARK)
    requirement = load_contract().get(mark.args[0])
    context = config.stash[_CONTEXT]
    context.clear()
    context["adapter"] = taillog_adapter
    context["changed"] = []
    needs = (requirement.capability, *mark.args[1])
    if "missing-files" in needs:
        needs += ("from-start",)  # one that begins at a file's end may find a late file's end, too
    try:
        known_capabilities(taillog_adapter.capabilities)  # a project's own fixture may have made it
    except UsageProblem as problem:
        raise AdapterProblem(str(problem)) from None
    for capability in needs:
        if capability is not None and capability not in taillog_adapter.capabilities:
            raise NotApplicable(f"the tailer does not declare {capability}")
    clocks = Clocks(config.getoption("--taillog-scale"))
    seed = config.stash[_SEED]
    folder = Path(config.getoption("--taillog-folder")) if config.getoption("--taillog-folder") else None
    smokes = config.stash[_SMOKES]
    same = _same(taillog_adapter)
    if same not in smokes:
        smokes[same] = smoke(taillog_adapter, str(seed), clocks, _own_folder(config))
    result = smokes[same]
    if result.requirement == requirement.id:
        if result.failure is not None:
            raise result.failure
        if result.problem:
            raise AdapterProblem(result.problem)
    if result.failure is not None or result.problem:
        raise Blocked(result.reason)
    if (same, requirement.id) in config.stash[_FAILED]:
        clocks = clocks.hurried(result.profile.latency)
    stage = Stage(
        taillog_adapter,
        f"{seed}:{request.node.name}",
        clocks,
        result.profile,
        parent=_own_folder(config),
        depth=THOROUGH if config.getoption("--taillog-thorough") else 1,
        strict_headers=requirement.area == "PFX",
    )
    context["stage"] = stage
    began = time.monotonic()

    def give_up(failure: ConformanceFailure) -> None:
        _give_up(request.node, requirement.id, failure, time.monotonic() - began, words)

    def outgrown() -> None:
        failure = ConformanceFailure(
            f"the process in which the tailer ran took more than {in_mebibytes(most)} of memory in one check",
            expected="memory that does not grow without end",
            got=f"{in_mebibytes(resident() or 0)}, and growing",
        )
        failure.timeline = stage.runs[-1].timeline if stage.runs else None
        give_up(failure)

    def expired() -> None:
        if words is not None:
            _end_in_error(request.node, requirement.id, time.monotonic() - began, words)

    stage.give_up = give_up
    most = MEMORY * max(1.0, clocks.scale)
    limit = config.getoption("--taillog-limit")
    words: LastWords | None = None
    with ExitStack() as exits:
        if limit and folder is not None:
            within = limit * clocks.scale * stage.depth
            silent = SILENT * clocks.scale
            words = LastWords(folder, request.node.name, within=within, silent=silent, expired=expired)
            exits.enter_context(words)
            stage.alive = words.alive
            context["replace"] = give_up
        exits.enter_context(bounded_memory(most, outgrown))
        try:
            yield stage
        finally:
            with guarded(captured=_captured(config)):
                stage.close()


def _same(adapter: Adapter) -> object:
    """Equal for adapters of one tailer: a project's fixture may make one for each check."""
    return type(adapter), adapter.name, adapter.capabilities


def _own_folder(config: pytest.Config) -> Path:
    """The folder for the checks of this process: made once, and anew where a tailer has removed it.

    A tailer that waits for the kernel's events is woken by what other processes remove from a folder above its files.
    """
    from .producer import remove_tree

    own = config.stash.get(_FOLDER, None)
    if own is None or not own.is_dir():
        above = config.getoption("--taillog-folder")
        if above:
            Path(above).mkdir(parents=True, exist_ok=True)
        own = config.stash[_FOLDER] = Path(tempfile.mkdtemp(dir=above))
        config.add_cleanup(lambda: remove_tree(own))
    return own


def _captured(config: pytest.Config) -> bool:
    """Whether pytest takes what is printed: with -s a person wants to see it, or to debug."""
    return bool(config.getoption("capture", "no") != "no")


def _give_up(
    item: pytest.Item, requirement: str, failure: ConformanceFailure, seconds: float, words: LastWords | None
) -> None:
    """End this process, for nothing else can end what the tailer does; the failure is told first."""
    from .producer import remove_tree

    result = _failed(item, requirement, failure, seconds)
    if words is not None:
        _end_with(item, result, words)
    capture = item.config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.suspend(in_=True)
    remove_tree(_own_folder(item.config))
    os.write(2, f"\n{result.message}\n\nThe run ends here, for nothing else ends what the tailer does.\n".encode())
    os._exit(ENDED_BY_US)


def _end_in_error(item: pytest.Item, requirement: str, seconds: float, words: LastWords) -> None:
    """End this process in a check that goes on and on: that says nothing of the tailer but that it is slow here."""
    from .report.model import CheckResult, Status

    told = f"the check had not ended after {seconds:.0f} s; where the machine is very busy, --scale gives it more time"
    _end_with(item, CheckResult(item.name, requirement, Status.ERROR, seconds, told), words)


def _end_with(item: pytest.Item, result: CheckResult, words: LastWords) -> NoReturn:
    """End this process; its last words are the check's result."""
    try:
        words.write(_row(item, result))
    except OSError as error:
        if error.errno != errno.EFBIG:  # the tailer lets this process write no files any more: its end says enough
            raise
    os._exit(ENDED_BY_US)


def _row(item: pytest.Item, result: CheckResult) -> dict[str, Any]:
    """A check's result as the process that reports takes it."""
    from .report.inert import harmless

    row = result.as_json()
    # What was played is the kit's own, and is read again: it stays as it is.
    played = {name: row["failure"][name] for name in PLAYED} if "failure" in row else {}
    row = harmless({"requirement": result.requirement, "target": _target_of(item.config), **row})
    if played:
        row["failure"] |= played
    return dict(row)


PLAYED = ("scenario", "played")
"""The parts of a failure's data that say how it is played again."""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, None]:
    """Let the programs of a check, and of what is made for it, hear the signals that this process ignores."""
    if item.get_closest_marker(MARK) is None:
        yield
        return
    from .interruption import programs_hear_signals

    with programs_hear_signals():
        yield


ENDED_BY_US = 1
"""Exit status of a process that ends because of its tailer: for plain pytest, tests that failed."""


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, None]:
    """Put back what a check's tailer changes of this process."""
    if pyfuncitem.get_closest_marker(MARK) is None:
        yield
        return
    from .deadline import told
    from .full import full_folder, has_room
    from .guard import guarded, limits
    from .outcomes import AdapterProblem, ConformanceFailure

    context = pyfuncitem.config.stash[_CONTEXT]
    bounds = limits()
    with _interruptions() as interruptions, guarded(captured=_captured(pyfuncitem.config)) as changed:
        outcome = yield
    context.setdefault("changed", []).extend(changed)
    error = outcome.excinfo[1] if outcome.excinfo is not None else None
    stage = context.get("stage")
    if "replace" in context and limits() != bounds:
        failure = ConformanceFailure(
            "the tailer lowered the resource limits of its process, which nothing but root can raise again",
            expected="limits that stay as they are",
            got=f"{limits()} (descriptors, size of a file, memory, time) in the place of {bounds}",
        )
        failure.timeline = stage.runs[-1].timeline if stage is not None and stage.runs else None
        context["replace"](failure)
    if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit) and not interruptions:
        # No check raises such: it came from a method of an object that the tailer gave.
        why, _, got = told("a method of what the tailer returned", error).partition("\n")
        outcome.force_exception(ConformanceFailure(why, expected="an object that can be shown", got=got))
    if isinstance(error, ConformanceFailure) and stage is not None and not has_room(stage.folder):
        outcome.force_exception(AdapterProblem(full_folder(stage.folder)))


@contextmanager
def _interruptions() -> Iterator[list[int]]:
    """The signals of Ctrl-C that come meanwhile, which are handled as before."""
    from .interruption import does_something

    came: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if not does_something(before) or threading.current_thread() is not threading.main_thread():
        yield came
        return
    handler = before

    def note(signum: int, frame: FrameType | None) -> None:
        came.append(signum)
        handler(signum, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)


class Blocked(Exception):
    """The smoke check failed: nothing else can be judged."""


# What it came to.


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Turn what a check ended in into its result, and the report's text into the message for a maintainer."""
    mark = item.get_closest_marker(MARK)
    if mark is None or (call.excinfo is None and call.when != "call"):
        yield
        return
    found = call.excinfo
    if found is not None:
        # pytest would show the code that raised: nobody would see it, and it is parsed for that (see `traces`). It
        # would also look at each frame, if it is to be shown.
        without_code = pytest.fail.Exception("", pytrace=False)
        innermost = found.tb
        while innermost.tb_next is not None:
            innermost = innermost.tb_next
        call.excinfo = pytest.ExceptionInfo.from_exc_info((type(without_code), without_code, innermost))
    outcome = yield
    from .report.inert import harmless

    call.excinfo = found
    report = outcome.get_result()
    result, shown = _result_of(item, mark.args[0], call)
    report.user_properties.append((PROPERTY, _row(item, result)))
    report.sections = [(name, harmless(text)) for name, text in report.sections]
    if shown == "skipped":
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.reportinfo()[1] or 0, f"Skipped: {result.message}")
    elif shown == "failed" and result.message:
        report.longrepr = result.message


def _target_of(config: pytest.Config) -> dict[str, Any]:
    from .target import described

    adapter = config.stash[_CONTEXT].get("adapter")
    if adapter is None:
        return {}
    return described(adapter)


def _failed(item: pytest.Item, requirement: str, failure: ConformanceFailure, seconds: float) -> CheckResult:
    """The result of a check that found its tailer at fault."""
    from .contract import load_contract
    from .known import signature
    from .report.inert import bounded, printable
    from .report.message import failure_data, failure_message
    from .report.model import CheckResult, Status, kept

    again = _repeat(item.config, item.nodeid, requirement)
    message = printable(bounded(failure_message(load_contract().get(requirement), item.name, failure, again)))
    events = [event.as_json(n) for n, event in enumerate(failure.timeline.events())] if failure.timeline else []
    failed = CheckResult(item.name, requirement, Status.FAIL, seconds, message, kept(events))
    return replace(failed, failure=failure_data(failure, again), signature=signature(failure.why))


def _result_of(item: pytest.Item, requirement: str, call: pytest.CallInfo[None]) -> tuple[CheckResult, str]:
    from .crash import broke
    from .full import full_folder, is_full
    from .guard import in_words
    from .outcomes import AdapterProblem, ConformanceFailure, NotApplicable, NotRun
    from .report.inert import bounded, printable
    from .report.model import CheckResult, Status

    name = item.name
    seconds = call.duration

    def result(status: Status, message: str = "") -> CheckResult:
        return CheckResult(name, requirement, status, seconds, printable(bounded(message)))

    if call.excinfo is None:
        return result(Status.PASS, in_words(item.config.stash[_CONTEXT].get("changed", ()))), ""
    error = call.excinfo.value
    match error:
        case NotApplicable():
            return result(Status.NOT_APPLICABLE, f"{error}"), "skipped"
        case NotRun():
            return result(Status.NOT_RUN, f"{error}"), "skipped"
        case Blocked():
            return result(Status.BLOCKED, f"{error}"), "skipped"
        case ConformanceFailure():
            item.config.stash[_FAILED].add((_same(item.config.stash[_CONTEXT]["adapter"]), requirement))
            return _failed(item, requirement, error, seconds), "failed"
        case AdapterProblem():
            return result(Status.ERROR, str(error)), "failed"
        case OSError() if is_full(error):
            folder = item.config.getoption("--taillog-folder") or tempfile.gettempdir()
            return result(Status.ERROR, full_folder(Path(folder))), "failed"
        case pytest.skip.Exception():
            return result(Status.NOT_RUN, str(error.msg)), "skipped"
        case pytest.fail.Exception():
            return result(Status.ERROR, str(error.msg)), "failed"
        case _:
            return result(Status.ERROR, broke(error)), "failed"


def _repeat(config: pytest.Config, nodeid: str, requirement: str) -> str:
    """The command that shows a failure again."""
    import shlex

    seed = str(config.stash[_SEED])
    if config.getoption("--tailer-command"):
        words = ["taillog", "check", "--command", config.getoption("--tailer-command")]
        for option, name in (("--stop", "--tailer-stop"), ("--attribute", "--tailer-attribute")):
            words += [option, config.getoption(name)] if config.getoption(name) else []
    elif config.getoption("--tailer-driver"):
        words = ["taillog", "check", "--driver", config.getoption("--tailer-driver")]
    elif config.getoption("--tailer"):
        words = ["taillog", "check", config.getoption("--tailer")]
    else:
        return shlex.join(["pytest", nodeid, "--taillog-seed", seed])
    for name in config.getoption("--tailer-capability"):
        words += ["--capability", name]
    for name in config.getoption("--tailer-without"):
        words += ["--without", name]
    scenario = config.getoption("--taillog-scenario")
    words += ["--scenario", scenario] if scenario else ["--only", requirement]
    return shlex.join([*words, "--seed", seed])


class _Collector:
    """Takes the results in the process that reports, one report for each tailer that was checked."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._checks: dict[str, Check] | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        rows = [value for name, value in report.user_properties if name == PROPERTY]
        if rows:
            row: Any = rows[-1]
        elif report.when == CRASHED:
            if _was_interrupted(report):
                raise KeyboardInterrupt  # the user's Ctrl-C, which reached the worker before this process
            self.crashed(report.nodeid, _status_of(report))
            return
        else:
            return
        self.take(row)

    def crashed(self, nodeid: str, status: int | None) -> None:
        """Take it that the process of a check ended with this exit status before it had a result."""
        from .crash import crashed

        folder = self._config.getoption("--taillog-folder")
        row = crashed(
            nodeid.rpartition("::")[2],
            status,
            Path(folder) if folder else None,
            lambda requirement: _repeat(self._config, nodeid, requirement),
            in_process=not any(map(self._config.getoption, ("--tailer-command", "--tailer-driver"))),
        )
        if row is not None:
            self.take(row)

    def checks(self) -> dict[str, Check]:
        if self._checks is None:
            from .suite._registry import all_checks

            self._checks = {check.function: check for check in all_checks()}
        return self._checks

    def take(self, row: dict[str, Any]) -> None:
        """Take a check's result."""
        from .contract import load_contract
        from .report.model import CheckResult, Report, Status

        reports = self._config.stash[_REPORTS]
        target = row["target"] or (next(iter(reports.values())).target if reports else {})
        name = str(target.get("name", ""))
        if name not in reports:
            planned: dict[str, list[str]] = {}
            for check in self.checks().values():
                planned.setdefault(check.requirement, []).extend(check.names)
            reports[name] = Report(load_contract(), target, self._config.stash[_SEED], planned)
        result = CheckResult(
            row["name"],
            row["requirement"],
            Status(row["status"]),
            row["seconds"],
            row["message"],
            row["timeline"],
            row.get("failure"),
            row.get("signature", ""),
        )
        reports[name].add(result)
        listener: Callable[[Report, CheckResult], None] | None = self._config.pluginmanager.getplugin(ON_RESULT)
        if listener is not None:
            listener(reports[name], result)


def _was_interrupted(report: Any) -> bool:
    """Whether the worker that ended in a test ended its session by itself: its process goes on, and has no status."""
    output = getattr(report.node, "workeroutput", None) or {}
    return bool(output.get("exitstatus") == pytest.ExitCode.INTERRUPTED)


def _status_of(report: Any) -> int | None:
    """The exit status of the worker that ended in a test, as far as it can be known."""
    import subprocess

    from .strays import end_family

    process = _process_of(report.node)
    if process is None:
        return None
    try:
        return process.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        end_family(process.pid)
        process.wait()
        return None  # how it was ended says nothing of what it did


def _process_of(node: Any) -> subprocess.Popen[bytes] | None:
    """The process of a worker, as far as pytest-xdist keeps what it runs in."""
    try:
        process: subprocess.Popen[bytes] = node.gateway._io.popen
    except AttributeError:
        return None
    return process


ENDS_WITHIN = 5.0
"""Seconds that a worker gets to end once it has closed its connection; one that runs another program does not."""


CRASHED = "???"
"""The phase that pytest-xdist gives to a test in which its worker ended."""


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(_Collector(session.config), COLLECTOR)


def end_strays(config: pytest.Config) -> None:
    """End the processes that tailers of this process have left behind."""
    for left in config.stash[_STRAYS]:
        if left:
            from .strays import end_these

            end_these(left)


def pytest_report_header(config: pytest.Config) -> str | None:
    if config.getoption("--tailer") or config.getoption("--tailer-command"):
        return f"taillog: seed {config.stash[_SEED]}"
    return None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run in which a check could not judge is not green, whatever pytest makes of a skip.

    Checks that were not asked for (by -k, a node id, --taillog-only) are the user's choice; the summary counts them.
    """
    end_strays(session.config)
    farewell = session.config.stash.get(_FAREWELL, None)
    if farewell is not None:
        farewell.prepare(lambda: int(session.exitstatus))
    reports = session.config.stash[_REPORTS].values()
    if session.exitstatus == pytest.ExitCode.OK and any(report.unjudged() for report in reports):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for report in config.stash[_REPORTS].values():
        from .report.wording import verdict_line

        terminalreporter.section("log tailer conformance")
        terminalreporter.line(verdict_line(report))
        terminalreporter.line(f"seed {report.seed}")
        versions = config.stash[_INTERPRETERS]
        if len(versions) > 1:
            terminalreporter.line(f"Python {', '.join(sorted(versions))}")
