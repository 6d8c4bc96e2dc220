"""The bench: small runs of the real thing, and the arithmetic of its figures. No figure is judged here."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

import pytest

from taillog_conformance.bench.compare import Comparison, Row, compare
from taillog_conformance.bench.measures import (
    LINE_SIZE,
    MEASURES,
    THROUGHPUT,
    Bench,
    Point,
    Sizes,
    line,
    points,
    write_backlog,
)
from taillog_conformance.bench.picture import picture
from taillog_conformance.bench.subject import Failed, Subject, _module_version, subject_for
from taillog_conformance.bench.table import cells, figure, markdown
from taillog_conformance.target import Target

SMALL = Sizes(lines=2000, latencies=3, backlog=2**20, long_line=2**20)
CAT = "tail -q -n +1 -F {files}"


def taillog(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "taillog_conformance", "bench", *words], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what one run of the command wrote."""
    folder = tmp_path_factory.mktemp("bench")
    done = taillog(
        *("taillog:TailLog", "--command", CAT, "--runs", "2", "--lines", "2000"),
        *("--only", "throughput", "--only", "backlog"),
        *("--json", str(folder / "json"), "--svg", str(folder / "svg"), "--markdown", str(folder / "markdown")),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "taillog:TailLog" in done.stdout
    return folder


def test_the_json_tells_values_versions_and_the_machine(written: Path) -> None:
    found = json.loads((written / "json").read_text())
    assert [each["label"] for each in found["subjects"]] == ["taillog:TailLog", CAT]
    assert "tail" in found["subjects"][1]["version"]
    assert found["machine"]["cores"] >= 1
    assert found["runs"] == 2
    row = found["rows"][0]
    assert (row["measure"], row["metric"], row["unit"]) == ("throughput", "throughput", "MB/s")
    for values in row["subjects"].values():
        assert len(values["runs"]) == 2
        assert 0 < values["lowest"] <= values["median"] <= values["highest"]
    assert row["subjects"]["taillog:TailLog"]["ratio"] == 1


def test_the_version_is_that_of_the_distribution() -> None:
    assert subject_for(Target(command=CAT)).version.startswith("tail (")
    assert _module_version("pytest:main") == f"pytest {metadata.version('pytest')}"
    assert _module_version("no_distribution_has_this:it") == ""


def test_what_a_program_cannot_do_is_said_and_has_no_value(written: Path) -> None:
    found = json.loads((written / "json").read_text())
    missing = {(each["measure"], each["point"]) for each in found["failed"] if each["subject"] == CAT}
    assert missing == {("throughput", label) for label in ("prefix of its own", "with a filter", "into a StringIO")}
    row = next(row for row in found["rows"] if row["point"] == "with a filter")
    assert list(row["subjects"]) == ["taillog:TailLog"]


def test_the_picture_is_well_formed_and_names_every_tailer(written: Path) -> None:
    root = ElementTree.fromstring((written / "svg").read_text())
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "taillog:TailLog" in texts
    assert CAT in texts
    assert any("backlog" in (text or "") for text in texts)


def test_the_markdown_has_a_column_for_each_tailer(written: Path) -> None:
    lines = (written / "markdown").read_text().splitlines()
    assert lines[0] == f"| | `taillog:TailLog` | `{CAT}` |"
    assert all(row.count("|") == 4 for row in lines if row.startswith("|"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name a target"),
        (["taillog:TailLog", "--only", "beauty"], "there is no measure 'beauty'"),
        (["taillog:TailLog", "taillog:TailLog"], "is named twice"),
        (["no_such_module:TailLog"], "cannot be imported"),
        (["taillog:TailLog", "--svg", "/no/such/folder/a.svg"], "cannot be written"),
        (["--command", "no-such-program {file}"], "does not exist"),
        (["taillog:TailLog", "--json", "/tmp/same", "--svg", "/tmp/same"], "the JSON and the picture cannot both be"),
    ],
)
def test_bad_input_is_one_line_and_status_2(words: list[str], said: str) -> None:
    done = taillog(*words)
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_bench_in_which_nothing_was_measured_ends_with_status_1() -> None:
    done = taillog("--command", "true {file}", "--only", "latency", "--runs", "1")
    assert done.returncode == 1
    assert done.stderr == "Error: nothing was measured: every measure failed, for the reasons above\n"
    assert "; 1 run\n" in done.stdout


def measured(subjects: list[Subject], wanted: list[Point], runs: int = 1) -> Comparison:
    return compare(subjects, wanted, runs, SMALL, 0, lambda text: None)


@pytest.mark.parametrize("target", [Target("taillog:TailLog"), Target(command=CAT)], ids=["class", "command"])
@pytest.mark.parametrize("measure", ["latency", "memory", "files"])
def test_each_measure_has_values_of_both_kinds(target: Target, measure: str) -> None:
    wanted = [point for point in points(SMALL) if point.measure == measure][:2]
    found = measured([subject_for(target)], wanted)
    assert found.failed == {}
    assert all(row.values(found.subjects[0].label) for row in found.rows)


def test_every_measure_can_be_asked_for() -> None:
    assert {point.measure for point in points(SMALL)} == set(MEASURES)


def test_a_tailer_that_delivers_nothing_has_no_figure() -> None:
    subject = subject_for(Target(command="sh -c 'exec sleep 60' {file}"))
    found = measured([subject], points(SMALL))
    assert len(found.failed) == len(points(SMALL))
    assert all("of one line" in why for why in found.failed.values())
    assert all(row.median(subject.label) is None for row in found.rows)
    assert set(cells(found, found.rows[0])) == {"-"}
    assert "of one line" in markdown(found)
    ElementTree.fromstring(picture(found))


def test_a_tailer_that_wants_a_stream_and_got_a_path_is_told_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "streams_only.py").write_text(
        "class Tailer:\n"
        "    def __init__(self, name, log_files, dst, **rest): self.dst = dst\n"
        "    def start(self): return self\n"
        "    def stop(self): pass  # its thread has failed at str.write\n"
        "    def stopped(self): return True\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("taillog_conformance.bench.measures.MOVES_WITHIN", 0.1)
    found = measured([subject_for(Target("streams_only:Tailer"))], points(SMALL)[:1])
    (why,) = found.failed.values()
    assert "--without destination-path" in why


def test_a_program_for_one_file_is_not_started_hundreds_of_times() -> None:
    subject = subject_for(Target(command="tail -n +1 -F {file}"))
    found = measured([subject], [point for point in points(SMALL) if point.label in ("8", "512")])
    assert {point: why for (_, point, _), why in found.failed.items()} == {
        "512": "it would take 512 processes, and more than 64 are not started"
    }


def test_the_tailers_take_turns_and_each_begins_once() -> None:
    order = []

    def take(bench: Bench, subject: Subject) -> dict[str, float | list[float]]:
        order.append(subject.label)
        return {THROUGHPUT.name: 1.0}

    subjects = [subject_for(Target(command=command)) for command in ("cat {file}", "tail -n +1 {file}")]
    measured(subjects, [Point("throughput", "none", (THROUGHPUT,), take)], runs=2)
    one, two = (subject.label for subject in subjects)
    assert order == [one, two, two, one]


def test_a_point_that_fails_once_is_not_taken_again() -> None:
    taken = []

    def take(bench: Bench, subject: Subject) -> dict[str, float | list[float]]:
        taken.append(subject.label)
        raise Failed("it is broken")

    subject = subject_for(Target(command="cat {file}"))
    found = measured([subject], [Point("throughput", "none", (THROUGHPUT,), take)], runs=3)
    assert len(taken) == 1
    assert list(found.failed.values()) == ["it is broken"]


def press_ctrl_c() -> None:
    raise KeyboardInterrupt


@pytest.fixture
def sigterm() -> Iterator[None]:
    """Puts SIGTERM back as it was: after the first one no other does anything, and a test may ignore it."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("sigterm")
@pytest.mark.parametrize("interrupt", [press_ctrl_c, lambda: signal.raise_signal(signal.SIGTERM)])
def test_what_was_measured_before_an_interruption_is_kept(interrupt: Callable[[], None]) -> None:
    taken = []

    def take(bench: Bench, subject: Subject) -> dict[str, float | list[float]]:
        if taken:
            interrupt()
        taken.append(subject.label)
        return {THROUGHPUT.name: 7.0}

    subjects = [subject_for(Target(command=command)) for command in ("cat {file}", "tail -n +1 {file}")]
    found = measured(subjects, [Point("throughput", "none", (THROUGHPUT,), take)], runs=3)
    assert found.interrupted
    assert [row.median(subjects[0].label) for row in found.rows] == [7.0]
    assert "interrupted" in markdown(found)
    ElementTree.fromstring(picture(found))


@pytest.mark.usefixtures("sigterm")
def test_a_program_hears_the_signal_that_the_bench_ignores() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    found = measured([subject_for(Target(command=CAT))], [p for p in points(SMALL) if p.measure == "latency"][:1])
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    assert found.failed == {}


def test_medians_spreads_and_ratios() -> None:
    point = Point("latency", "1 file", (THROUGHPUT,), lambda bench, subject: {})
    row = Row(point, THROUGHPUT, {"a": [[1.0, 2.0, 3.0], [4.0, 5.0, 60.0]], "b": [[20.0], [10.0]]})
    assert row.median("a") == 3.5
    assert row.spread("a") == (2.0, 5.0)
    assert row.percentile("a") == 60.0
    assert row.ratio("b", "a") == 6.0  # the median of 10 and 2: each run with its neighbour in time
    assert row.median("c") is None
    assert row.ratio("c", "a") is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0123, "0.012"), (1, "1"), (9.876, "9.88"), (99.96, "100"), (1234567.8, "1,234,568")],
)
def test_figures_have_the_digits_that_count(value: float, text: str) -> None:
    assert figure(value) == text


def test_a_backlog_has_the_lines_and_the_bytes_that_it_says(tmp_path: Path) -> None:
    chance = random.Random(0)
    for lines in (1, 7, chance.randrange(40_000, 90_000)):
        path = tmp_path / "backlog"
        assert write_backlog(path, lines) == lines * LINE_SIZE == path.stat().st_size
        found = path.read_bytes().split(b"\n")
        assert len(found) == lines + 1
        assert {len(each) for each in found[:-1]} == {LINE_SIZE - 1}
    assert len(line(0)) == LINE_SIZE
