"""The stage: it plays a check's steps against a tailer, keeps the timeline, and has the oracle judge it.

A check opens runs on it; each run is one tailer with its files and its destination.
"""

from __future__ import annotations

import errno
import gc
import os
import random
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from . import deadline, model, oracle
from .adapters import DEFAULT, Adapter, Job, Tailer
from .adapters.base import Default, Filter
from .clocks import INTERVAL, LATENCIES_TO_SEE, Clocks, Patience, RunningClock
from .destinations import FLOOD, Recorder, RecordingStream
from .fates import Fates, combined, fates
from .logs import Report, reports_to, thread_deaths_to
from .offsets import read_offset, read_offsets
from .outcomes import AdapterProblem, ConformanceFailure, NotRun, TailerHung, TailerRaised
from .perturb import Jitter, Pauses
from .played import Played, from_timeline
from .producer import ProducedFile, remove_tree
from .timeline import Event, Timeline
from .words import Words

T = TypeVar("T")

POLL, POLL_AT_MOST, POLL_GROWS = 0.001, 0.008, 1.2
"""Seconds between two looks of a wait at what is not announced (offsets, states): the longer it has waited, the more,
for a look at the offsets costs a tenth of a millisecond, and most of a run is waiting."""

POLL_TAKES_AT_MOST = 0.05
"""Seconds from one look of a wait to the next that count: more of them have passed where this process did not run."""

PROGRESS_EVERY = 0.05
"""Seconds between two looks at whether anything moves: a look through all descriptors costs as much as the wait itself,
and what is awaited is awaited for eight times as long at the least."""

RESTS_FOR = 1.0
"""Seconds at a time in which nothing is done: much less than a check may give no sign of life."""

CONSTRUCTOR = "the constructor"

NAMED_FILES = 5
"""Files that a failure names."""

SENTINELS = 25
"""Lines that are tried, each for `settles_within`, until a tailer that begins at the end delivers one."""

HEADERS_MAKE, HEADERS_MAKE_AT_LEAST = 4, 2**16
"""Times the bytes of the files, and bytes besides, that all that is due does not come to: with headers, and with what
stands for bytes that are not UTF-8."""

FILES_WATCHED = 8
"""Files whose read offset counts as progress: a look costs a walk through all descriptors."""


REPORT_KEPT = 2**14
"""Characters of one report that are kept: a long trace, and far below what a tailer may log."""

REPORTS_KEPT = 10_000
"""Reports of one run that are kept; none of them is needed to see that there are too many."""


@dataclass
class Profile:
    """What the smoke check learned of a tailer, for waits and texts that have to fit it; it decides no verdict."""

    offset_visible: bool = False
    keeps_open: bool = False
    """Whether a file stays open from one look to the next, as far as that can be known."""
    latency: float = 0.0
    """Seconds from a write to its delivery."""
    header: str | None = None
    """Where it differs from the contract's default, the header that was seen, as a template. Only the checks of PFX ask
    for the right one, so that a wrong header is one failure and not forty."""


def header_template(header: str, name: str, file: ProducedFile) -> str:
    """`header` as it was seen, with what is of this run in it replaced by placeholders."""
    for text, place in ((str(file.path), "{path}"), (file.path.name, "{file}"), (name, "{name}")):
        header = header.replace(text, place)
    return header.replace(str(file.key), "{key}")


def filled_header(template: str, name: str, file: ProducedFile) -> str:
    """What `template` means for another file."""
    fillings = {"{path}": str(file.path), "{file}": file.path.name, "{name}": name, "{key}": str(file.key)}
    return re.sub(r"\{(path|file|name|key)\}", lambda found: fillings[found.group()], template)


@dataclass
class Stage:
    """Where one check plays. `close()` ends all that it began."""

    adapter: Adapter
    seed: str
    clocks: Clocks = field(default_factory=Clocks)
    profile: Profile = field(default_factory=Profile)
    parent: Path | None = None
    """The folder in which the check's own one is made; None for the system's."""
    depth: int = 1
    """How many times the usual number of examples a property is tried with."""
    strict_headers: bool = False
    """Whether only the contract's own default header is right (the checks of PFX)."""
    alive: Callable[[], object] = lambda: None
    """Called now and then while the check goes on."""
    give_up: Callable[[ConformanceFailure], object] = lambda failure: None
    """Called with the failure of a call that cannot be ended but with this process; it may do that."""
    watch: Callable[[Event], None] | None = None
    """Is called with each event of each run as it happens."""

    def __post_init__(self) -> None:
        self.words = Words(self.seed)
        self.folder = Path(tempfile.mkdtemp(prefix=self.words.word(), dir=self.parent))
        self.runs: list[Run] = []

    def open(
        self,
        files: str | Sequence[str] = "a",
        *,
        keys: Sequence[int] | None = None,
        prefixes: Mapping[str, str] | Default | None = DEFAULT,
        filter: Filter | Default | None = DEFAULT,
        interval: float = INTERVAL,
        dst: str | os.PathLike[str] | None = None,
        stream: Callable[[Recorder], RecordingStream] = RecordingStream,
        paths: Mapping[str, Path] | None = None,
        as_path: Callable[[Path], str | os.PathLike[str]] = str,
        extra_prefixes: Mapping[int, str] | None = None,
    ) -> Run:
        """A run over `files` (labels), none of which exists yet, with a tailer that has not been made yet.

        `prefixes` goes by label; `dst` is a path, else a stream made by `stream` is written to. `paths` gives a label
        another place than the run's own folder,
        and `as_path` makes what the tailer is given of each.
        """
        folder = self.folder / self.words.word()
        folder.mkdir()
        run = Run(self, folder, list(files) if not isinstance(files, str) else files.split(), keys, paths or {})
        run.interval, run.filter, run.as_path = interval, filter, as_path
        if "from-start" not in self.adapter.capabilities:
            for file in run.files.values():
                file.hold()
        if dst is not None:
            run.dst = dst
        else:
            run.stream = stream(run.recorder)
            run.dst = run.stream
        if isinstance(prefixes, Mapping):
            run.prefixes = {run[label].key: text for label, text in prefixes.items()} | dict(extra_prefixes or {})
        else:
            run.prefixes = prefixes
        self.runs.append(run)
        return run

    def open_twice(self) -> tuple[Run, Run]:
        """Two runs over one file, each with a tailer of its own: the first one's producer writes it."""
        paths = {"a": self.folder / self.words.file_name()}
        return self.open(paths=paths), self.open(paths=paths)

    @contextmanager
    def slowed(self) -> Iterator[None]:
        """The tailers started meanwhile are slowed down at random: between the lines of their code, or as processes."""
        # The thread of Pauses starts before threads are traced: it is not the tailer's.
        with Pauses(random.Random(self.seed), self._other_processes), Jitter(self.words.random):
            yield

    def _other_processes(self) -> list[int]:
        tailers = [run.tailer for run in self.runs if run.tailer is not None and run.started]
        here = os.getpid()
        return [pid for tailer in tailers for pid in self.processes(tailer) if pid != here]

    def processes(self, tailer: Tailer) -> Sequence[int]:
        """The processes in which `tailer` reads, as its adapter tells."""
        with _own("processes()"):
            return list(self.adapter.processes(tailer))

    def close(self) -> None:
        """End every run, and remove the check's folder, even where the adapter breaks over it."""
        try:
            with ExitStack() as exits:
                for run in reversed(self.runs):
                    exits.callback(run.close)
        finally:
            remove_tree(self.folder)


def _ends_in_a_line(path: Path) -> bool:
    try:
        stood = path.read_bytes() if path.is_file() else b"a piece"
    except OSError:  # a check's, of which no line can come
        return False
    return not stood or stood.endswith(b"\n")


@contextmanager
def _own(method: str) -> Iterator[None]:
    """What is raised meanwhile is the adapter's own fault."""
    try:
        yield
    except (AdapterProblem, ConformanceFailure, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise AdapterProblem(deadline.told(f"the adapter's {method}", error)) from None


THREADS_OF_A_TAILER = 500
"""Threads of this process from which on it is the tailer that has taken those that there were."""


def _no_thread_to_be_had(cause: BaseException | None) -> bool:
    """Whether `cause` is that the system refused a thread or a process, and it refuses them to the suite as well."""
    out_of_threads = isinstance(cause, RuntimeError) and "can't start new thread" in str(cause)
    out_of_processes = isinstance(cause, OSError) and cause.errno in (errno.EAGAIN, errno.ENOMEM)
    if not (out_of_threads or out_of_processes) or threading.active_count() > THREADS_OF_A_TAILER:
        return False
    trial = threading.Thread(target=int, name="conformance-trial", daemon=True)
    try:
        trial.start()
    except RuntimeError:
        return True
    trial.join()
    return False


_hung: set[threading.Thread] = set()
"""Threads that tailers left behind whose calls never returned."""


class Run:
    """One tailer, its files, its destination and its timeline."""

    def __init__(
        self,
        stage: Stage,
        folder: Path,
        labels: Sequence[str],
        keys: Sequence[int] | None,
        paths: Mapping[str, Path],
    ) -> None:
        self.stage = stage
        self.folder = folder
        self.timeline = Timeline(stage.watch)
        self.recorder = Recorder(self.timeline)
        self.name = stage.words.word()
        self.piece_optional = False
        """Whether an unterminated last piece may be left out, because another requirement asks for it."""
        self.keys = list(keys) if keys is not None else list(range(len(labels)))
        self.files = {
            label: ProducedFile(label, key, paths.get(label, folder / stage.words.file_name()), self.timeline)
            for label, key in zip(labels, self.keys, strict=True)
        }
        self._labels = {file.key: label for label, file in self.files.items()}
        self.dst: Any = None
        self.stream: RecordingStream | None = None
        self.prefixes: Mapping[int, str] | Default | None = DEFAULT
        self.mapping: Mapping[int, str] | None = None
        """What the tailer is given for its prefixes in place of a copy of them, where a check is about the mapping."""
        self.filter: Filter | Default | None = DEFAULT
        self.interval = INTERVAL
        self.as_path: Callable[[Path], str | os.PathLike[str]] = str
        self.counted: Callable[[], int] | None = None
        """How much has come, where the destination is one that a check takes the text from by itself."""
        self.reports: list[Report] = []
        self._offsets: dict[str, int] = {}
        self._sentinels: set[str] = set()
        self._threads = set(threading.enumerate())
        self.tailer: Tailer | None = None
        self.started = False
        self.ended = False
        self._reads_no_more = False
        self._exits = ExitStack()

    def __getitem__(self, label: str) -> ProducedFile:
        return self.files[label]

    # The tailer's life.

    def make(self) -> Tailer:
        """Construct the tailer; TailerRaised if its constructor raises."""
        if self.tailer is None:
            self._exits.enter_context(reports_to(self._reported))
            self._exits.enter_context(thread_deaths_to(self._thread_died))
            paths = {file.key: self.as_path(file.path) for file in self.files.values()}
            job = Job(
                name=self.name,
                log_files=paths,
                dst=self.dst,
                deliver=self._delivered,
                report=lambda text: self._reported(Report(text)),
                interval=self.interval,
                prefixes=copy(self.prefixes) if self.mapping is None else self.mapping,
                filter=self._asked_but_for_sentinels() if callable(self.filter) else self.filter,
            )
            self.timeline.add("tailer", "construct")
            self.tailer = self._call(CONSTRUCTOR, lambda: self.stage.adapter.open(job), own=True)
        return self.tailer

    def start(self, *, placed: bool = True) -> object:
        """Start the tailer; what its start() returned.

        One that begins at a file's end gets empty files. What a check appended to them is written once it stands
        there, and it is waited for, if `placed`: lines tell, so they must be able to come.
        """
        tailer = self.make()
        from_the_end = "from-start" not in self.stage.adapter.capabilities and not self.started
        if not {"missing-files", "from-start"} <= self.stage.adapter.capabilities:
            for file in self.files.values():
                if not file.path.exists():
                    file.create()
        self.timeline.add("tailer", "start")
        self.started = True
        result = self._call("start()", tailer.start)
        if from_the_end and placed:
            self._await_its_place()
        self.timeline.add("tailer", "started")
        if from_the_end:
            for file in self.files.values():
                file.release()
        return result

    def _await_its_place(self) -> None:
        """Write a line to each file until it is delivered, or read: from then on the tailer is known to stand behind.

        A file that ends in a piece is left alone: what becomes of that is not asked for.
        """
        sentinels: dict[str, str] = {}

        def missed() -> list[ProducedFile]:
            text = self.all_text()
            behind = [self.files[label] for label, sentinel in sentinels.items() if sentinel not in text]
            if not self.stage.profile.offset_visible:
                return behind
            return [file for file in behind if (self._offset(file) or 0) < file.size()]

        waiting = [file for file in self.files.values() if _ends_in_a_line(file.path)]
        for _ in range(SENTINELS):
            sentinels = {file.label: self.stage.words.word() for file in waiting}
            self._sentinels.update(sentinels.values())
            for file in waiting:
                file.write(f"{sentinels[file.label]}\n".encode())
            if self.wait_for(lambda: not missed()):
                return
            waiting = missed()

    def _asked_but_for_sentinels(self) -> Callable[[str], object]:
        ask = self.filter
        assert callable(ask)
        if "from-start" in self.stage.adapter.capabilities:
            return ask  # there are no sentinels, and a tailer may look at more of a filter than its answers
        return lambda text: text.strip() in self._sentinels or ask(text)

    def attempt_start(self, *, placed: bool = True) -> ConformanceFailure | None:
        """Construct and start the tailer where it may refuse to; what it raised, if it did."""
        try:
            self.start(placed=placed)
        except TailerRaised as refusal:
            self.timeline.add("tailer", "refused", note=refusal.why)
            return refusal
        return None

    def stop(self) -> None:
        """Stop the tailer: the fence after which the destination must be whole."""
        tailer = self.make()
        self.timeline.add("tailer", "stop")
        self.ended = True
        self._call("stop()", tailer.stop)
        self.timeline.add("tailer", "stopped")
        if self.stream is None:
            self.timeline.add("destination", "write", data=self._file_text(), note="the file, after stop()")

    def stopped(self) -> bool:
        """What the tailer's stopped() says."""
        tailer = self.make()
        return self._call("stopped()", lambda: bool(tailer.stopped()))  # what it returns is the tailer's code, too

    def call(self, what: str, function: Callable[[], T], within: float | None = None) -> T:
        """`function()` under the stage's clocks, its failure told with this run's timeline."""
        clocks = self.stage.clocks
        try:
            result = deadline.call(
                what,
                function,
                within=within or clocks.must_stop_within,
                over_all=clocks.over_all,
                progress=self._progress,
                due=self._due,
                give_up=self._give_up,
            )
            self._refuse_flood()
            return result
        except ConformanceFailure as failure:
            self.timeline.add("check", "saw", note=failure.why)
            if isinstance(failure, TailerHung):
                _hung.update(thread for thread in threading.enumerate() if thread not in self._threads)
            raise self._here(failure) from None

    def threads_run(self) -> bool:
        """Whether threads run in this process that began since the run was opened."""
        return not self._threads.issuperset(threading.enumerate())

    def _give_up(self, failure: ConformanceFailure) -> None:
        self.timeline.add("check", "saw", note=failure.why)
        self.stage.give_up(self._here(failure))

    def _call(self, what: str, function: Callable[[], T], own: bool = False) -> T:
        """`call` for a method of the adapter's tailer; AdapterProblem where that is an adapter's `own` code."""
        try:
            return self.call(what, function)
        except TailerRaised as failure:
            if _no_thread_to_be_had(failure.cause):
                raise NotRun("the machine has no thread or process left to give, to the suite neither") from None
            own = own or not self.stage.adapter.tailer_is_the_implementation
            if own and failure.cause is not None:
                method = "open()" if what == CONSTRUCTOR else what
                raise AdapterProblem(deadline.told(f"the adapter's {method}", failure.cause)) from None
            raise

    # What the producer's steps have to bring.

    def sources(self, late_optional: bool = True) -> list[oracle.Source]:
        """What each file holds by now, as the oracle takes it; see model.sources."""
        found = model.sources(
            self.timeline.events(),
            list(self.files),
            self.headers,
            None if self.keeps is Run.keeps else lambda text: text in self._sentinels or self.keeps(text),
            late_optional=late_optional,
            piece_optional=self.piece_optional or "last-piece" not in self.stage.adapter.capabilities,
            from_start="from-start" in self.stage.adapter.capabilities,
        )
        if self.may_lack is Run.may_lack:
            return found
        return [
            replace(
                source,
                lines=tuple(line._replace(optional=line.optional or self.may_lack(line.text)) for line in source.lines),
            )
            for source in found
        ]

    def sources_of(self, other: Run) -> list[oracle.Source]:
        """What the files of another run hold, of which this run follows the same paths, whenever it was written."""
        return [
            replace(
                source,
                headers=tuple(self.headers(source.name)),
                lines=tuple(line._replace(available=0) for line in source.lines),  # its place is in another timeline
            )
            for source in other.sources()
        ]

    def headers(self, label: str) -> Sequence[str]:
        """The headers that are right before a line of `label`."""
        key = self.files[label].key
        default = f"[{self.name}{key}]:"
        if "prefix" in self.stage.adapter.capabilities:
            if isinstance(self.prefixes, Mapping) and key in self.prefixes:
                return (self.prefixes[key],)
            return (default,) if self.stage.strict_headers else (default, *self._learned_header(label))
        return ("", default, *self._learned_header(label))

    def _learned_header(self, label: str) -> Sequence[str]:
        learned = self.stage.profile.header
        return () if learned is None else (filled_header(learned, self.name, self.files[label]),)

    keeps: Callable[[str], bool] = staticmethod(lambda text: True)
    """Which lines the run's filter keeps; a check with a filter sets it."""

    may_lack: Callable[[str], bool] = staticmethod(lambda text: False)
    """Which lines may be left out, as a requirement of another check asks for them."""

    def deliveries(self) -> dict[str, list[oracle.Delivery]]:
        """What came, by stream: '' is the one that all files share."""
        streams: dict[str, list[oracle.Delivery]] = {}
        for at, event in enumerate(self.timeline.events()):
            if event.lane == "destination" and event.what == "write" and isinstance(event.data, str):
                streams.setdefault(event.file, []).append(oracle.Delivery(event.data, at))
        return streams

    def text(self, label: str = "") -> str:
        """All that came so far, on the shared stream or on the one of the file `label`."""
        streams = self.deliveries()
        return "".join(delivery.text for delivery in streams.get(label, ()))

    def all_text(self) -> str:
        """All that came so far, whatever the stream, or in the destination's file."""
        if self.stream is None:
            return self._file_text()
        return "".join(delivery.text for stream in self.deliveries().values() for delivery in stream)

    # Waits.

    def settle(self) -> None:
        """Give the tailer the time to deliver what is complete; it decides nothing (stop() does)."""
        if self._wait(self._all_come(), self._settles_within()):
            self._all_seen()

    def _settles_within(self) -> float:
        return max(self.stage.clocks.settles_within, LATENCIES_TO_SEE * self.stage.profile.latency)

    def must_deliver(self) -> None:
        """Wait until all that is complete has come, while the tailer runs (DEL-3).

        Raises:
            ConformanceFailure: nothing came for `must_happen_within` seconds.
        """
        within = self.stage.clocks.must_happen_within
        if not self._wait(self._all_come(), within):
            raise self._not_delivered(within)
        self._all_seen()

    def _not_delivered(self, within: float) -> ConformanceFailure:
        text = self.all_text()
        must = [(source, line) for source in self.sources() for line in source.lines if not line.optional]
        left = [(source, line) for source, line in must if line.text not in text]
        of = Counter(source.name for source, _ in left)
        names = ", ".join(f"{count:,} of {name}" for name, count in of.most_common(NAMED_FILES))
        number = max(len(left), len(must) - self.lines_so_far())
        source, line = left[0] if left else must[-1]
        return self.failure(
            f"of {len(must):,} lines {number:,} did not come while the tailer ran ({names or source.name}): "
            f"nothing moved for {within:g} s",
            expected=f"{oracle.rendered(source, line)} before stop()",
            got=(f"{came:,} line{'s' if came > 1 else ''}" if (came := self.lines_so_far()) else "a piece")
            if text
            else "nothing: the destination is empty",
        )

    def _all_seen(self) -> None:
        """What was delivered has been read: a later truncation or rotation does not excuse it."""
        for label in self.files:
            self.timeline.add("check", model.SEEN, label, note="delivered")

    def must_happen(self, what: str, happened: Callable[[], bool]) -> None:
        """Wait until `happened()`; a failure that says that `what` did not happen if nothing moves for long."""
        within = self.stage.clocks.must_happen_within
        if not self._wait(happened, within):
            raise self.failure(f"{what} did not happen: nothing moved for {within:g} s", expected=what, got="nothing")

    def wait_long(self, happened: Callable[[], bool]) -> bool:
        """As wait_for, with the patience that must_happen has."""
        return self._wait(happened, self.stage.clocks.must_happen_within)

    def wait_for(self, happened: Callable[[], bool]) -> bool:
        """Wait until `happened()`, for as long as something moves; it decides nothing. Whether it happened."""
        return self._wait(happened, self._settles_within())

    def wait_for_reports(self, count: int = 1) -> None:
        """Wait until there are `count` reports; it decides nothing.

        An object has until its stop() returns, and can report there. What ends only by being ended has no later.
        """
        if "object" in self.stage.adapter.capabilities:
            self.wait_for(lambda: len(self.reports) >= count)
        else:
            self.wait_long(lambda: len(self.reports) >= count)

    def seen(self, label: str) -> None:
        """Wait until the tailer has read all of the file's bytes, as far as that can be known.

        Once it has not read on for so long, it is waited for no longer than it is to settle.
        """
        file = self.files[label]
        within = self._settles_within() if self._reads_no_more else self.stage.clocks.must_happen_within
        if not self.stage.profile.offset_visible:
            self.quiet()
        elif self._wait(lambda: (self._offset(file) or 0) >= file.size(), within):
            self.timeline.add("check", model.SEEN, label, note="read offset")
        else:
            self._reads_no_more = True

    def seen_truncated(self, label: str) -> None:
        """Wait until the tailer has noticed that the file was cut, as far as that can be known."""
        file = self.files[label]
        if self.stage.profile.offset_visible:
            self._wait(lambda: (self._offset(file) or 0) <= file.size(), self.stage.clocks.settles_within)
            if self._offset(file) is not None:
                return  # it was seen, or it was waited for long enough
        self.quiet()

    def glimpsed(self, label: str) -> None:
        """As seen, but with little patience where the reading cannot be watched: for checks of many rounds."""
        file = self.files[label]
        if self.stage.profile.offset_visible:
            self._wait(lambda: (self._offset(file) or 0) >= file.size(), self.stage.clocks.settles_within)
        else:
            time.sleep(max(2 * self.interval, min(self.stage.profile.latency, self.stage.clocks.must_not_happen_for)))

    def quiet(self) -> None:
        """Give a faulty tailer a moment to show itself."""
        self.rest(self.moment())

    def moment(self) -> float:
        """Seconds in which what must not happen may show."""
        return max(self.stage.clocks.must_not_happen_for, LATENCIES_TO_SEE * self.stage.profile.latency)

    def looks(self, count: int) -> None:
        """Let the tailer look about `count` times."""
        self.rest(count * self.interval)

    def rest(self, seconds: float) -> None:
        """Let time pass, as a check that goes on."""
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self.stage.alive()
            time.sleep(min(left, RESTS_FOR))

    def _wait(self, happened: Callable[[], bool], within: float) -> bool:
        clock = RunningClock(POLL_TAKES_AT_MOST)
        patience = Patience(within, self.stage.clocks.over_all)
        looked = 0.0
        poll = POLL
        while not happened():
            self._refuse_flood()
            self.stage.alive()
            now = clock()
            if now - looked >= PROGRESS_EVERY:
                looked = now
                patience.look(now, self._progress(), self._due)
            if patience.is_over(now):
                return False
            self.recorder.wait(poll)
            poll = min(poll * POLL_GROWS, POLL_AT_MOST)
        return True

    def _progress(self) -> object:
        self.stage.alive()
        offsets = 0
        if self.stage.profile.offset_visible and self.tailer is not None:
            watched = [file.path for file in list(self.files.values())[:FILES_WATCHED]]
            offsets = sum(offset or 0 for offset in read_offsets(watched, self.stage.processes(self.tailer)))
        own = None if self.tailer is None else self.stage.adapter.progress(self.tailer)
        return (self._came(), len(self.reports), offsets, own)

    def _came(self) -> int:
        """Characters or bytes that have come to the destination."""
        if self.counted is not None:
            return self.counted()
        return self.recorder.characters if self.stream is not None else self._file_size()

    def _due(self) -> int:
        """As `_came`, and no more than the files may make of it: what writes for ever does nothing any more then."""
        there = sum(file.size() for file in self.files.values() if file.path.is_file())
        return min(self._came(), HEADERS_MAKE * there + HEADERS_MAKE_AT_LEAST)

    def _refuse_flood(self) -> None:
        """Raise once the destination got more than any check's files hold; what came after was not kept."""
        if self.recorder.flooded or (self.stream is None and self._file_size() > FLOOD):
            raise self.failure(
                f"the tailer wrote more than {FLOOD // 2**20} MiB to the destination, which its files never held",
                expected="what the files hold",
                got=f"the first {FLOOD // 2**20} MiB end in {self.recorder.last!r}" if self.stream is not None else "",
            )

    def _file_size(self) -> int:
        try:
            return os.stat(self.dst).st_size
        except OSError:
            return 0

    def offset(self, label: str) -> int | None:
        """How far the tailer has read in the file, in bytes; None where that cannot be known."""
        return self._offset(self.files[label])

    def _offset(self, file: ProducedFile) -> int | None:
        if self.tailer is None:
            return None
        offset = read_offset(file.path, self.stage.processes(self.tailer))
        if offset is not None and offset != self._offsets.get(file.label, 0):
            self._offsets[file.label] = offset
            self.timeline.add_read(file.label, offset)
        return offset

    def _all_come(self) -> Callable[[], bool]:
        """Tells whether all lines that are complete now, and must come, have come: by their number, or one by one."""
        lines = [line for source in self.sources() for line in source.lines]
        must = [line for line in lines if not line.optional]
        if len(must) == len(lines):
            return lambda: self.lines_so_far() >= len(must)

        def come() -> bool:
            text = self.all_text()
            return self.lines_so_far() >= len(must) and all(line.text in text for line in must)

        return come

    def _file_text(self) -> str:
        """What stands in the destination file; undecodable bytes are shown as such. Nothing stands in a device."""
        try:
            path = Path(self.dst)
            return path.read_bytes().decode("utf-8", errors="backslashreplace") if path.is_file() else ""
        except OSError:
            return ""

    def lines_so_far(self) -> int:
        """Line ends that have reached the destination."""
        return self.recorder.lines if self.stream is not None else self._file_text().count("\n")

    # Judgement.

    def judge(self, *, in_time: bool = False, sources: Sequence[oracle.Source] | None = None) -> None:
        """Compare the destination with what the files hold (or with `sources`).

        Raises:
            ConformanceFailure: at the first difference.
        """
        self.stage.alive()
        expected = self.sources() if sources is None else sources
        streams = self.deliveries()
        shared = streams.pop("", [])
        attributed = [source for source in expected if self._label_of(source) in streams]
        rest = [source for source in expected if source not in attributed]
        try:
            for label, deliveries in streams.items():
                own = [source for source in attributed if self._label_of(source) == label]
                oracle.judge(own, deliveries, in_time=in_time)
            oracle.judge(rest, shared, in_time=in_time)
        except ConformanceFailure as failure:
            if sources is None:
                failure.played = self._played(in_time)
            raise self._here(failure) from None

    def _played(self, in_time: bool) -> Played | None:
        """What was done, where the tailer was made in the plainest way."""
        plain = type(self.stream) is RecordingStream and self.filter is DEFAULT and self.as_path is str
        moves = from_timeline(self.timeline.events()) if plain else None
        if moves is None:
            return None
        prefixes = self.prefixes if isinstance(self.prefixes, Mapping) else {}
        files = {label: file.key for label, file in self.files.items()}
        return Played(files, moves, prefixes, in_time=in_time, interval=self.interval)

    @staticmethod
    def _label_of(source: oracle.Source) -> str:
        return source.name.partition(" ")[0]

    def failure(self, why: str, *, expected: str = "", got: str = "", event: int | None = None) -> ConformanceFailure:
        """A failure that carries this run's timeline."""
        if event is None:
            event = self.timeline.add("check", "saw", note=why)
        return self._here(ConformanceFailure(why, expected, got, event))

    def _here(self, failure: ConformanceFailure) -> ConformanceFailure:
        if failure.timeline is None:
            failure.timeline = self.timeline
            self.stage.alive()
            failure.fates = self._fates()
        return failure

    def _fates(self) -> Fates:
        """What became of each line of each file, whatever the failure is about."""
        expected, streams = self.sources(), self.deliveries()
        own = [
            fates([source for source in expected if self._label_of(source) == label], deliveries)
            for label, deliveries in streams.items()
            if label
        ]
        rest = [source for source in expected if self._label_of(source) not in streams]
        return combined([*own, fates(rest, streams.get("", []))])

    # What the tailer does.

    def _delivered(self, key: int, text: str) -> None:
        self.recorder.note(text, self._labels[key])

    def _reported(self, report: Report) -> None:
        if len(self.reports) >= REPORTS_KEPT or (threading.current_thread() in _hung & self._threads):
            return  # the latter is what an earlier tailer says, which nothing could end
        if len(report.text) > REPORT_KEPT:
            half = REPORT_KEPT // 2
            text = f"{report.text[:half]} ... {report.text[-half:]} ({len(report.text):,} characters)"
            report = replace(report, text=text)
        self.reports.append(report)
        self.timeline.add("tailer", "report", note=report.text)

    def _thread_died(self, trace: str) -> None:
        self.timeline.add("tailer", "thread ended", note=trace)

    def let_go(self) -> None:
        """Be done with a tailer that was stopped: what it does when it is collected, it does now."""
        self.close()
        self.tailer = None
        gc.collect()

    def close(self) -> None:
        """End the tailer if it still runs, whatever it says, and close what the run holds open."""
        try:
            if self.tailer is not None:
                if self.started and not self.ended:
                    self.ended = True
                    with suppress(ConformanceFailure, AdapterProblem):  # a check that calls stop() says so
                        self.call("stop()", self.tailer.stop)
                with _own("abandon()"):
                    self.stage.adapter.abandon(self.tailer)
        finally:
            for file in self.files.values():
                file.close()
            self._exits.close()
