"""Shows what a real tailer does, without the kit: a few steps of a producer with pauses between them, and what came.

    python tests/subjects/by_hand.py TAILER SCENARIO

Nothing of the kit is used, so that what docs/findings.md says is seen by other means than the suite's. It decides
nothing: it prints what a right tailer puts out, and what this one did.
"""

# ruff: noqa: E501, SIM115 (each scenario is to be read in one line; what is opened lives as long as the script)
from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SUBJECTS = Path(os.environ.get("TAILLOG_SUBJECTS") or Path.home() / ".cache" / "taillog-subjects")
DRIVERS = Path(__file__).parents[2] / "fixtures" / "taillog_fixtures" / "subjects" / "drivers"
PAUSE = 2.5
"""Seconds between two steps: a tailer that looks once a second looks twice meanwhile."""

MOMENT = 0.03
"""Seconds between two writes of a producer that goes on writing."""

# Each tailer as a command that prints what it delivers; FILE is the path.

PYTHON = "import sys, time; sys.path.append({place!r}); F = sys.argv[1]\n"
STOP = "import signal, threading; stop = threading.Event(); signal.signal(signal.SIGTERM, lambda *_: stop.set())\n"
TORCH = """
import importlib.util, os, sys, threading, time
spec = importlib.util.spec_from_file_location("tail_log", {place!r} + "/tail_log.py")
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
F, out = sys.argv[1], open(1, "w", buffering=1)
def follow(files={{0: F}}, out=out, prefixes={{0: ""}}, **more): return module.TailLog("x", files, out, prefixes, 0.1, **more)
{way}
import signal
def end(*_):
    t.stop(); out.flush(); os._exit(0)  # what it was given is not lost with a last piece, which has no line end
signal.signal(signal.SIGTERM, end)
while True: time.sleep(1)
"""

TORCH_WAYS = {
    "": "t = follow().start()",
    "prefix": "t = follow(prefixes={0: '[p]:'}).start()",
    "none": "t = follow(log_line_filter=None).start()",
    "buffered": "t = follow(out=open(1, 'w')).start()",
    "buffered-falsy": "import io\nclass Empty(io.TextIOWrapper):\n    def __len__(self): return 0\n"
    "t = follow(out=Empty(open(1, 'wb'))).start()",
    "busy": "t = module.TailLog('x', {0: F}, out, {0: '[p]:'}, 0).start()",  # it looks again and again
    "two": "t = follow({0: F, 1: F + '.2'}, prefixes={0: '[0]:', 1: '[1]:'}).start()",
    "key": "t = follow({7: F}).start()",
    "twice": "t = follow().start(); t.start()",
    "asked": "t = follow(log_line_filter=lambda line: print(repr(line), file=sys.stderr, flush=True) or True).start()",
    "falsy": "class Lines(list):\n    def write(self, text): self.append(text); out.write(text)\nt = follow(out=Lines()).start()",
    "path": "t = follow(out=F + '.out').start()",
    "falsy-filter": "class Filter(list):\n    def __call__(self, line): return 'two' in line\n"
    "t = follow(log_line_filter=Filter()).start()",
    "overlap": "class Slow:\n    busy = False\n    def write(self, text):\n"
    "        if self.busy: print('called while another call had not returned', file=sys.stderr, flush=True)\n"
    "        self.busy = True; time.sleep(.2); out.write(text); self.busy = False\n"
    "t = follow({0: F, 1: F + '.2'}, Slow(), {0: '', 1: ''}).start()",
    "full-speed": "files = {key: f'{F}.{key}' for key in range(4)}; missing = others = 0\n"
    "for key, path in files.items(): open(path, 'w').writelines(f'{line} of {key}\\n' for line in range(6000))\n"
    "right = {f'{line} of {key}' for key in files for line in range(6000)}\n"
    "sys.setswitchinterval(1e-5)  # threads take turns far more often than by default\n"
    "for _ in range(5):\n    there = open(F + '.out', 'w')\n"
    "    t = follow(files, there, {key: '' for key in files}).start(); time.sleep(.5); t.stop(); there.close()\n"
    "    came = set(open(F + '.out', errors='replace').read().splitlines())\n"
    "    missing += len(right - came); others += len(came - right)\n"
    "print(missing, 'missing', others, 'others', file=out)",
}
"""What is put in place of `{way}`, by the end of a name such as torch-2.15.0-two."""

LIBRARIES = {
    "tailer": "import tailer\nfor l in tailer.Tailer(open(F, errors='replace', newline='\\n')).follow(.1): print(l, flush=True)",
    "tailhead": "import tailhead\nfor l in tailhead.Tailer(open(F, 'rb')).follow():\n"
    "    print(l.decode(errors='replace'), flush=True) if l is not None else time.sleep(.1)",
    "pygtail": "import pygtail, os, tempfile; o = tempfile.mktemp()\nwhile True:\n"
    "    for l in pygtail.Pygtail(F, offset_file=o, full_lines=True) if os.path.exists(F) else (): print(l, end='', flush=True)\n"
    "    time.sleep(.1)",
    "ponytail-race": "import os, ponytail\ndef opened(*how, calls=[], **more):\n    calls.append(how)\n"  # no file stands there when it opens the new one
    "    if len(calls) == 2: os.rename(F, F + '.2')\n    return open(*how, **more)\nponytail.open = opened\n"
    "for l in ponytail.Follow(F).readlines(): print(l, end='', flush=True)",
    "ponytail": "import ponytail\nfor l in ponytail.Follow(F, errors='replace').readlines(): print(l, end='', flush=True)",
    "followname": "import followname\nfor l in followname.Follower(F, all=True).follow(.1): print(l, flush=True)",
    "multitail2": "import multitail2\nfor _, l in multitail2.MultiTail([F], interval=.1, skip_to_end=False): print(l, flush=True)",
    "pytailer": "import pytailer\nfor l in pytailer.FileTail(F, read_all=True, check_delay=.1, errors='replace', newline='\\n'):"
    " print(l, end='', flush=True)",
    "tailng": "import tailng.followfile as t; f = t.FollowFile(F, pos=0, quiet=True)\n"
    "while True: print(f.get(), end='', flush=True); time.sleep(.1)",
    "aiotailf": "import asyncio, aiotailf\nasync def main():\n"
    "    async for l in aiotailf.async_tail(F, last_lines=10**9): print(l, flush=True)\nasyncio.run(main())",
    "aiotailf-race": "import asyncio, aiotailf\nasync def main():\n"  # a line is written while the one before is taken
    "    async for l in aiotailf.async_tail(F, last_lines=10**9):\n"
    "        print(l, flush=True)\n        if l == 'one': open(F, 'a').write('two\\n')\nasyncio.run(main())",
    "aiotailf-gone": "import asyncio, aiotailf, os\nlook = os.path.exists\n"  # the file is deleted between its look and its stat
    "def exists(path, calls=[]):\n    calls.append(path)\n    there = look(path)\n"
    "    if len(calls) == 3: os.remove(path)\n    return there\n"
    "os.path.exists = exists\nasync def main():\n"
    "    async for l in aiotailf.async_tail(F, last_lines=10**9): print(l, flush=True)\nasyncio.run(main())",
    "followname-race": "import followname, os\ndef opened(path, how, calls=[]):\n"  # the file is rotated before it looks for that
    "    calls.append(path)\n    if len(calls) == 2:\n"
    "        os.rename(F, F + '.1'); open(F + '.1', 'a').write('late\\n'); open(F, 'w').write('two\\n')\n"
    "    return open(path, how)\nfollowname.open = opened\n"
    "for l in followname.Follower(F, all=True).follow(.1): print(l, flush=True)",
    "pygtail-race": "import os, pygtail, tempfile; o = tempfile.mktemp()\n"  # the file is rotated before it is opened
    "p = pygtail.Pygtail(F, offset_file=o, full_lines=True); print(p.read(), end='', flush=True)\n"
    "p = pygtail.Pygtail(F, offset_file=o, full_lines=True)\n"
    "os.rename(F, F + '.1'); open(F, 'w').write('two three\\n'); print(p.read(), end='', flush=True); time.sleep(60)",
    "pygtail-gone": "import os, pygtail, tempfile, time; o = tempfile.mktemp(); look = pygtail.Pygtail._is_new_file\n"
    "def gone(tail):\n"  # no file stands there when it looks whether another one does; it is called again then
    "    if os.path.getsize(F) < 5 or os.path.exists(F + '.1'): return look(tail)\n"
    "    os.rename(F, F + '.1')\n    try: return look(tail)\n    finally: open(F, 'w').write('three\\n')\n"
    "pygtail.Pygtail._is_new_file = gone\nwhile True:\n    try:\n"
    "        for l in pygtail.Pygtail(F, offset_file=o, full_lines=True): print(l, end='', flush=True)\n"
    "    except FileNotFoundError as error: print(error, file=sys.stderr, flush=True)\n    time.sleep(.1)",
    "async-tail": "import async_tail\nfor b in async_tail.tail(F, debounce=20, step=10):\n    for l, _ in b: print(l, flush=True)",
    "tailf": "import tailf\nwith tailf.Tail(F) as t:\n    while True:\n"
    "        for e in t: print(e if e is tailf.Truncated else e.decode(errors='replace'), end='', flush=True)\n"
    "        time.sleep(.1)",
    "lograil": STOP + "from lograil.sources.file import FileLogSource\n"
    "with FileLogSource(F, read_from='beginning').open(stop=stop) as es:\n    for e in es: print(e['message'], flush=True)",
    "sh": "import sh\nfor l in sh.tail('-n', '+1', '-F', F, _iter=True, _decode_errors='replace'): print(l, end='', flush=True)",
}

NODE = {
    "tail": "const t = new (require('tail').Tail)(F, {fromBeginning: true}); t.on('line', l => console.log(l)); "
    "t.on('error', e => console.error(e))",
    "tail-polling": "const t = new (require('tail').Tail)(F, {fromBeginning: true, useWatchFile: true, "
    "fsWatchOptions: {interval: 100}}); t.on('line', l => console.log(l)); t.on('error', e => console.error(e))",
    "always-tail": "const t = new (require('always-tail'))(F, '\\n', {start: 0, interval: 100}); t.on('line', l => console.log(l)); "
    "t.on('error', e => console.error(e)); t.watch()",
    "@logdna/tail-file-quit": "const t = new (require('@logdna/tail-file'))(F, {startPos: 0, pollFileIntervalMs: 100}); "
    "t.on('data', b => require('fs').writeSync(1, b)); t.once('data', () => t.quit()); t.start()",
    "@logdna/tail-file": "const t = new (require('@logdna/tail-file'))(F, {startPos: 0, pollFileIntervalMs: 100, "
    "pollFailureRetryMs: 100, maxPollFailures: 1e5}); t.on('tail_error', e => console.error(e)); t.pipe(process.stdout); t.start(); "
    "process.on('SIGTERM', () => t.quit())",
}

NODE_RACES = {
    "always-tail-race": "const fs = require('fs'), exists = fs.exists; fs.exists = (path, say) => "
    # the file is made between the first look at it and the question whether it is there
    "{ fs.writeFileSync(path, 'one\\n', {flag: 'a'}); fs.exists = exists; exists(path, say) };",
    "always-tail-watch-race": "const fs = require('fs'), watch = fs.watchFile; fs.watchFile = (path, ...more) => "
    # the file is made between the question whether it is there and the first of the looks that follow
    "{ fs.writeFileSync(path, 'one\\n'); return watch(path, ...more) };",
    "tail-polling-race": "const fs = require('fs'), watch = fs.watchFile; fs.watchFile = (path, ...more) => "
    # a line is written between the look at the file's size and the first of the looks that follow
    "{ fs.writeFileSync(path, 'two\\n', {flag: 'a'}); watch(path, ...more) };",
}

TORCH_RACE = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("tail_log", {place!r} + "/tail_log.py")
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
class Flag:
    written = False
    def is_set(self):  # a line is written just before the flag is seen to be set
        if not self.written: self.written = open(sys.argv[1], "a").write("two\\n")
        return True
more = (lambda line: True,) if "log_line_filter" in module.tail_logfile.__code__.co_varnames else ()
module.tail_logfile("", sys.argv[1], sys.stdout, Flag(), 0.1, *more)
"""

DRIVEN = """
import json, os, signal, subprocess, sys
d = subprocess.Popen([{program!r}, {how!r}, ""], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
def say(**what):
    d.stdin.write(json.dumps(what) + "\\n"); d.stdin.flush()
say(do="start", files=[{{"key": key, "path": sys.argv[1]}} for key in range({count})])
signal.signal(signal.SIGTERM, lambda *_: say(do="stop"))
for message in map(json.loads, d.stdout):
    if message["is"] == "stopped": os._exit(0)
    if "text" in message: print(message["text"], end="", flush=True, file=sys.stdout if message["is"] == "lines" else sys.stderr)
    {then}
"""

AT_STOP = (
    "if message['is'] == 'lines': os.truncate(sys.argv[1], 0); open(sys.argv[1], 'a').write('four\\n'); say(do='stop')"
)
"""What is put in place of `{then}` by the name nxadm-at-stop: the file is cut off and written anew just before the stop."""


def words(name: str, file: str) -> list[str]:
    """The command line of a tailer."""
    debian = SUBJECTS / "debian"
    programs = {
        "gnu": ["tail", "-n", "+1", "-F"],
        "gnu-polling": ["tail", "---disable-inotify", "-s", "0.1", "-n", "+1", "-F"],
        "busybox": [str(debian / "busybox/bin/busybox"), "tail", "-n", "+1", "-F"],
        "toybox": [str(debian / "toybox/bin/toybox"), "tail", "-n", "+1", "-F"],
        "uutils": [str(debian / "rust-coreutils/usr/lib/cargo/bin/coreutils/tail"), "-n", "+1", "-F"],
        "uutils-polling": [
            *(str(debian / "rust-coreutils/usr/lib/cargo/bin/coreutils/tail"), "--use-polling", "-s", "0.1"),
            *("-n", "+1", "-F"),
        ],
        "perl": ["perl", f"-I{debian}/libfile-tail-perl/usr/share/perl5", str(DRIVERS / "file_tail.pl")],
    }
    if name in programs:
        return [*programs[name], file]
    if name in ("rsyslog-inotify", "rsyslog-polling", "syslog-ng", "sec"):
        return [
            sys.executable,
            str(DRIVERS / "daemon.py"),
            name,
            str(debian / name.partition("-i")[0].partition("-p")[0]),
            file,
            "0.1",
        ]
    if name.endswith("-slow"):  # what it writes to is a pipe that is not read before it has been told to end
        pipe = 'trap "" TERM; "$@" | (sleep 8; cat)'
        return ["sh", "-c", pipe, "sh", *words(name.removesuffix("-slow"), file)]
    if name.endswith("-truncated"):  # the file is cut off and written anew as soon as its line has come
        pipe = '"$@" | (read -r line; echo "$line"; : > "$0"; echo four >> "$0"; cat)'
        return ["sh", "-c", pipe, file, *words(name.removesuffix("-truncated"), file)]
    if name.endswith("-replaced"):  # another file is renamed to the path as soon as its line has come
        pipe = '"$@" | (read -r line; echo "$line"; echo two > "$0.new"; mv "$0.new" "$0"; cat)'
        return ["sh", "-c", pipe, file, *words(name.removesuffix("-replaced"), file)]
    if name.endswith("-turned"):  # the link is turned as soon as its line has come
        pipe = '"$@" | (read -r line; echo "$line"; echo two > "$0.2"; ln -s "$0.2" "$0.new"; mv -T "$0.new" "$0"; cat)'
        return ["sh", "-c", pipe, file, *words(name.removesuffix("-turned"), file)]
    if name in LIBRARIES:
        place = str(SUBJECTS / "pypi" / name.removesuffix("-race").removesuffix("-gone"))
        return [sys.executable, "-c", PYTHON.format(place=place) + LIBRARIES[name], file]
    if name in NODE or name in NODE_RACES:
        race, name = NODE_RACES.get(name, ""), name.removesuffix("-race").removesuffix("-watch")
        place = SUBJECTS / "npm" / name.removesuffix("-polling").removesuffix("-quit") / "driver.cjs"
        load = f"const require = process.getBuiltinModule('module').createRequire({str(place)!r}), F = process.argv[1];"
        return ["node", "-e", f"{{ {load} {race} {NODE[name]} }}", file]
    if name in ("nxadm", "nxadm-poll", "nxadm-twice", "nxadm-at-stop"):
        how, count = "poll" if name.endswith("poll") else "inotify", 2 if name.endswith("twice") else 1
        program, then = str(SUBJECTS / "go/nxadm/nxadm"), AT_STOP if name.endswith("at-stop") else "pass"
        return [sys.executable, "-c", DRIVEN.format(program=program, how=how, count=count, then=then), file]
    if name.startswith("torch-"):
        version, _, how = name.removeprefix("torch-").partition("-")
        place = str(SUBJECTS / "torch" / version)
        if how == "race":
            return [sys.executable, "-c", TORCH_RACE.format(place=place), file]
        return [sys.executable, "-c", TORCH.format(place=place, way=TORCH_WAYS[how]), file]
    raise SystemExit(f"unknown tailer {name}; there are {', '.join([*programs, *LIBRARIES, *NODE])}, torch-VERSION")


# Each scenario: its steps, and what a right tailer has put out when it is stopped.

ROTATE = ("rename!", "create!")

SCENARIOS: dict[str, tuple[list[tuple[str, bytes] | str], bytes]] = {
    "FRM-1": ([("append", b"one\n"), "start", ("append", b"ha"), "show", ("append", b"lf\n")], b"one\nhalf\n"),
    "FRM-1-at-start": ([("append", b"one\nha"), "start", "show", ("append", b"lf\n")], b"one\nhalf\n"),
    "FRM-1-renamed": (
        [
            ("append", b"one\n"),
            "start",
            *(("append", b"ha"), "rename", "show", ("append!", b"lf\n")),
            *("create!", ("append", b"two\n")),
        ],
        b"one\nhalf\ntwo\n",
    ),
    "FRM-1-held": (  # of a tailer that is held up meanwhile, by a name that ends in -slow
        [("append", (b"x" * 2**20 + b"\n") * 2 + b"ha"), "start", ("append", b"lf\n"), *["pause"] * 3],
        (b"x" * 2**20 + b"\n") * 2 + b"half\n",
    ),
    "FRM-3": (
        [("append", b"one\npiece"), "start", ("other", b"two\n")],
        b"[0]:one\n[0]:piece\n[1]:two\n",
    ),
    "FRM-2": ([("append", b"one\n"), "start", ("append", b"two\npiece"), "show"], b"one\ntwo\npiece"),
    "FRM-2-at-start": ([("append", b"one\ntwo\npiece"), "start"], b"one\ntwo\npiece"),
    "FRM-2-parts": ([("append", b"one\n"), "start", ("append", b"ha"), ("append", b"lf")], b"[p]:one\n[p]:half"),
    "FRM-2-prefix": (
        [("append", b"one\n"), "start", ("append", b"x" * 2**20 + b" end")],
        b"[p]:one\n[p]:" + b"x" * 2**20 + b" end",
    ),
    "FRM-2-long": (
        [("append", b"one\n"), "start", ("append", b"x" * 2**20 + b" end")],
        b"one\n" + b"x" * 2**20 + b" end",
    ),
    "FRM-4": (
        [("append", "one\u2028two\x85three\x0cfour\x1cfive\n".encode()), "start"],
        "one\u2028two\x85three\x0cfour\x1cfive\n".encode(),
    ),
    "FRM-4-end": ([("append", "one\u2028\ntwo\x1c\n".encode()), "start"], "one\u2028\ntwo\x1c\n".encode()),
    "FRM-5": (
        [("append", b"one\rtwo\n"), "start", ("append", b"three\r"), ("append", b"four\n")],
        b"one\rtwo\nthree\rfour\n",
    ),
    "FRM-6": (
        [("append", b"one\r\n"), "start", ("append", b"two\r"), ("append", b"\nthree\r\n")],
        b"one\ntwo\nthree\n",
    ),
    "FRM-6-empty": ([("append", b"one\r\n\r\ntwo\r\n"), "start"], b"one\n\ntwo\n"),
    "FRM-6-blocks": (  # each block but the first begins with the LF of a CR that the one before ends in
        [("append", b"0\n" + b"x" * 8189 + b"\r" + (b"\n" + b"y" * 8190 + b"\r") * 9 + b"\nend\r\n"), "start"],
        b"0\n" + b"x" * 8189 + b"\n" + (b"y" * 8190 + b"\n") * 9 + b"end\n",
    ),
    "FRM-7": (
        [("append", b"one\n\n\ntwo\n"), "start", ("append", b"\n"), ("append", b"\nthree\n")],
        b"one\n\n\ntwo\n\n\nthree\n",
    ),
    "FRM-7-first": ([("append", b"\n\none\n"), "start"], b"\n\none\n"),
    "FRM-8": (
        [("append", b"  one \t \n"), "start", ("append", b"\xef\xbb\xbftwo\0 \n")],
        b"  one \t \n\xef\xbb\xbftwo\0 \n",
    ),
    "FRM-8-CRs": (
        [("append", b"one\r\ntwo\r\r\n"), "start", ("append", b"three\r\n")],
        b"one\ntwo\r\nthree\n",
    ),
    "FRM-9": (
        [("append", b"one\n"), "start", ("append", b"x" * 2**20 + b"\ntwo\n")],
        b"one\n" + b"x" * 2**20 + b"\ntwo\n",
    ),
    "FRM-9-long": (
        [("append", b"one\n"), "start", ("append", b"x" * 2**22 + b"\ntwo\n")],
        b"one\n" + b"x" * 2**22 + b"\ntwo\n",
    ),
    "FRM-9-at-start": (
        [("append", b"one\n" + b"x" * 2**22 + b"\ntwo\n"), "start", ("append", b"three\n")],
        b"one\n" + b"x" * 2**22 + b"\ntwo\nthree\n",
    ),
    "CON-1": ([("append", b"one\n"), ("other", b"two\n"), "start"], b"one\ntwo\n"),
    "CON-2": (
        [("append", b"one\n"), "start", ("append", b"x" * 70000 + b"\ntwo\n" + b"y" * 70000 + b"\nthree\n")],
        b"one\n" + b"x" * 70000 + b"\ntwo\n" + b"y" * 70000 + b"\nthree\n",
    ),
    "CON-2-half": (
        [("append", b"one\n"), "start", ("append", b"ha"), ("other", b"two\n"), ("append", b"lf\n")],
        b"[0]:one\n[1]:two\n[0]:half\n",
    ),
    "CON-3": (["start", "pause", "pause"], b"0 missing 0 others\n"),
    "ENC-1": (
        [("append", b"one\n"), "start", ("append", b"tw\xffo\n"), ("append", b"three\n")],
        "one\ntw\ufffdo\nthree\n".encode(),
    ),
    "ENC-2": (
        [("append", b"one\n"), "start", ("append", b"\xe2\x82"), ("append", b"\xac\n")],
        "one\n\u20ac\n".encode(),
    ),
    "ENC-2-other": (
        [("append", b"one\n"), "start", ("append", b"tw\xe2"), ("other", b"three\n"), ("append", b"\x82\xac\n")],
        "[0]:one\n[1]:three\n[0]:tw\u20ac\n".encode(),
    ),
    "ENC-3": (
        [("append", b"one\n"), "start", ("append", ("two " + "\xe9\u20ac" * 7 + "\n").encode() * 8000)],
        b"one\n" + ("two " + "\xe9\u20ac" * 7 + "\n").encode() * 8000,
    ),
    "ENC-2-within": (
        [("append", b"one\n"), "start", ("append", b"tw\xc3"), ("append", b"\xa9 three\n")],
        "one\ntw\xe9 three\n".encode(),
    ),
    "DEL-1": ([("append", b"one\n"), "start", ("append!", b"two\n")], b"one\ntwo\n"),
    "DEL-1-race": ([("append", b"one\n"), "start"], b"one\ntwo\n"),
    "FRM-1-prefix": ([("append", b"one\n"), "start", ("append", b"ha"), ("append", b"lf\n")], b"[p]:one\n[p]:half\n"),
    "DEL-2": ([("append", b"one\n"), "start", ("append", b"two\n")], b"one\ntwo\n"),
    "DEL-3": (["create", "start", ("append", b"one\n"), ("append", b"two\n")], b"one\ntwo\n"),
    "DEL-3-at-once": (
        [("append", b"one\n"), "start!", "came", ("append", b"two\n"), ("append", b"three\n")],
        b"one\ntwo\nthree\n",
    ),
    "DEL-3-race": ([("append", b"one\n"), "start", ("append", b"three\n")], b"one\ntwo\nthree\n"),
    "DEL-4-race": (["start", ("append", b"two\n")], b"one\ntwo\n"),
    "DEL-5-chmod": ([("append", b"one\n"), "start", "chmod", ("append", b"two\n"), "chmod"], b"one\ntwo\n"),
    "DEL-5": ([("append", b"one\n"), "start", "touch", ("append", b"two\n"), "touch"], b"one\ntwo\n"),
    "DEL-7": (["start", ("append!", b"one\n")], b"one\n"),
    "DEL-7-race": (["start"], b"two\n"),
    "DEL-7-early": (["start", "pause"], b"one\n"),
    "DEL-9": (
        [("append", b"one\n"), "start", ("append", b"x" * 4000 + b"\n")] + [("append!", b"y" * 4000 + b"\n")] * 2000,
        b"one\n" + b"x" * 4000 + b"\n" + (b"y" * 4000 + b"\n") * 2000,
    ),
    "DEL-4": (
        [("append", b"".join(b"%d\n" % n for n in range(20000)) * 10), "start", ("append", b"end\n")],
        b"".join(b"%d\n" % n for n in range(20000)) * 10 + b"end\n",
    ),
    "DEL-4-growing": (
        [("append", b"".join(b"%d\n" % n for n in range(20000))), "start"]
        + [
            step
            for at in range(20)
            for step in (("append!", b"".join(b"new %d\n" % n for n in range(50 * at, 50 * at + 50))), "moment")
        ]
        + ["pause"],
        b"".join(b"%d\n" % n for n in range(20000)) + b"".join(b"new %d\n" % n for n in range(1000)),
    ),
    "DEL-9-once": (
        [("append", b"one\n"), "start", ("append!", (b"y" * 4000 + b"\n") * 2000)],
        b"one\n" + (b"y" * 4000 + b"\n") * 2000,
    ),
    "DEL-9-running": (
        [("append", b"one\n"), "start", ("append", (b"y" * 4000 + b"\n") * 2000), "pause", "pause"],
        b"one\n" + (b"y" * 4000 + b"\n") * 2000,
    ),
    "DEL-9-lines": (
        [
            ("append", b"one\n"),
            "start",
            ("append", b"".join(b"line %06d\n" % n for n in range(100000))),
            *["pause"] * 4,
        ],
        b"one\n" + b"".join(b"line %06d\n" % n for n in range(100000)),
    ),
    "DEL-9-growing": (
        [("append", b"one\n"), "start", *[("append!", (b"y" * 4000 + b"\n") * 1000), "moment"] * 10, "pause"],
        b"one\n" + (b"y" * 4000 + b"\n") * 10000,
    ),
    "DEL-9-early": ([("append", (b"y" * 4000 + b"\n") * 2000), "start"], (b"y" * 4000 + b"\n") * 2000),
    "DEL-9-before": (
        [("append", (b"y" * 4000 + b"\n") * 2000), "start", ("append", b"end\n")],
        (b"y" * 4000 + b"\n") * 2000 + b"end\n",
    ),
    "ERR-1": (["mkdir", "start"], b""),
    "ERR-1-socket": (["socket", "start"], b""),
    "ERR-1-late": (["start", "mkdir", "pause"], b""),
    "MIS-1": (["start", ("append", b"one\n"), ("append", b"two\n")], b"one\ntwo\n"),
    "MIS-5": (["rmdir", "start", "mkparent", ("append", b"one\n"), ("append", b"two\n")], b"one\ntwo\n"),
    "SRC-1": ([("append", b"one\n"), "start", ("append", b"two\n")], b"one\none\ntwo\ntwo\n"),
    "SRC-1-at-stop": (["start", ("append!", b"one\n")], b"one\none\n"),
    "SRC-2": (["link", ("append", b"one\n"), "start", ("append", b"two\n")], b"one\ntwo\n"),
    "SRC-2-late": (["link", "start", ("append", b"one\n"), ("append", b"two\n")], b"one\ntwo\n"),
    "TRN-1": (
        [("append", b"one two three\n"), "start", "truncate", ("append", b"four\n"), ("append", b"five\n")],
        b"one two three\nfour\nfive\n",
    ),
    "TRN-1-at-once": (
        [("append", b"one two three\n"), "start", "truncate!", ("append", b"four\n"), ("append", b"five\n")],
        b"one two three\nfour\nfive\n",
    ),
    "TRN-1-held": (  # the same
        [
            *(("append", (b"x" * 2**20 + b"\n") * 2 + b"piece"), "start"),
            *("truncate!", ("append", b"four\n"), *["pause"] * 3),
        ],
        (b"x" * 2**20 + b"\n") * 2 + b"[piece\n]four\n",
    ),
    "TRN-1-rotated": (
        [
            *(("append", b"one\n"), "start", *ROTATE),
            *(("append", b"two two\nthree\n"), "truncate", ("append", b"four\n")),
        ],
        b"one\ntwo two\nthree\nfour\n",
    ),
    "TRN-1-race": ([("append", b"one two three\n"), "start"], b"one two three\nfour\n"),
    "TRN-1-soon": (
        [("append", b"one two three\n"), "start!", "came", "truncate!", ("append", b"four\n")],
        b"one two three\nfour\n",
    ),
    "TRN-2": (
        [("append", b"one\n"), "start", ("append", b"piece"), "truncate", ("append", b"two\n")],
        b"one\n[piece\n]two\n",
    ),
    "TRN-2-at-once": (
        [
            *(("append", b"one\n"), "start", ("append", b"piece"), "truncate!"),
            *(("append", b"two\n"), ("append", b"three\n")),
        ],
        b"one\n[piece\n]two\nthree\n",
    ),
    "TRN-2-at-stop": (
        [("append", b"one\n"), "start", ("append", b"piece"), "truncate!", ("append!", b"two\n")],
        b"one\n[piece\n]two\n",
    ),
    "TRN-4": (
        [
            ("append", b"one two three four\n"),
            "start",
            "truncate",
            ("append", b"four five\n"),
            "truncate",
            ("append", b"six\n"),
        ],
        b"one two three four\nfour five\nsix\n",
    ),
    "ROT-1": (
        [("append", b"one\n"), "start", "rename", ("append", b"late\n"), "create", ("append", b"two\n")],
        b"one\nlate\ntwo\n",
    ),
    "ROT-1-race": ([("append", b"one\n"), "start"], b"one\nlate\ntwo\n"),
    "ROT-1-quick": (
        [("append", b"one\n"), "start", "rename!", ("append!", b"late\n"), "create!", ("append", b"two\n")],
        b"one\nlate\ntwo\n",
    ),
    "ROT-1-backlog": (
        [
            ("append", b"one\n"),
            "start",
            "rename!",
            ("append!", (b"y" * 4000 + b"\n") * 500),
            "create!",
            ("append", b"two\n"),
        ],
        b"one\n" + (b"y" * 4000 + b"\n") * 500 + b"two\n",
    ),
    "ROT-1-often": (
        [("append", b"one\n"), "start", *[("append!", b"old\n"), *ROTATE, ("append", b"new\n")] * 12],
        b"one\n" + b"old\nnew\n" * 12,
    ),
    "ROT-2": (
        [("append", b"one\n"), "start", "delete", ("append", b"two\n"), ("append", b"three\n")],
        b"one\ntwo\nthree\n",
    ),
    "ROT-2-race": ([("append", b"one\n"), "start", "create", ("append", b"two\n")], b"one\ntwo\n"),
    "ROT-2-inode": (
        [("append", b"one\n"), "start", "delete!", ("reuse", b"two three\n"), ("append", b"four\n")],
        b"one\ntwo three\nfour\n",
    ),
    "ROT-1-folder": (
        [
            *(("append", b"one\n"), "start", "rename_folder", ("append", b"late\n")),
            *("mkparent!", "create!", ("append", b"two\n"), ("append", b"three\n")),
        ],
        b"one\nlate\ntwo\nthree\n",
    ),
    "ROT-1-folder-quick": (
        [
            *(("append", b"one\n"), "start", "rename_folder!", ("append!", b"late\n")),
            *("mkparent!", "create!", ("append", b"two\n"), ("append", b"three\n")),
        ],
        b"one\nlate\ntwo\nthree\n",
    ),
    "ROT-2-folder": (
        [("append", b"one\n"), "start", "delete!", "rmdir", "mkparent!", ("append", b"two\n"), ("append", b"three\n")],
        b"one\ntwo\nthree\n",
    ),
    "ROT-2-link": (
        ["link", ("append", b"one\n"), "start", "remake!", ("append", b"two two\n"), ("append", b"three\n")],
        b"one\ntwo two\nthree\n",
    ),
    "ROT-3": (
        [("append", b"one\n"), "start", "rename", "create", ("append", b"two\n"), ("append", b"three\n")],
        b"one\ntwo\nthree\n",
    ),
    "ROT-3-at-once": (
        [("append", b"one\n"), "start", ("replace", b"two\nthree\n"), ("append", b"four\n")],
        b"one\ntwo\nthree\nfour\n",
    ),
    "ROT-3-same-size": ([("append", b"one\n"), "start", ("replace", b"two\n")], b"one\ntwo\n"),
    "ROT-3-shorter": (
        [("append", b"one two three\n"), "start", ("replace", b"four\n"), ("append", b"five\n")],
        b"one two three\nfour\nfive\n",
    ),
    "ROT-3-quick": (
        [("append", b"one\n"), "start", "rename!", "create!", ("append", b"two\n"), ("append", b"three\n")],
        b"one\ntwo\nthree\n",
    ),
    "ROT-3-soon": (
        [("append", b"one\n"), "start!", "came", *ROTATE, ("append", b"two\n")],
        b"one\ntwo\n",
    ),
    "ROT-3-replaced": ([("append", b"one\n"), "start", "pause"], b"one\ntwo\n"),
    "ROT-3-gone": ([("append", b"one\n"), "start", ("append", b"two\n")], b"one\ntwo\nthree\n"),
    "ROT-3-race": ([("append", b"one\n"), "start"], b"one\ntwo three\n"),
    "ROT-4-quick": (
        [("append", b"one\n"), "start", "rename", "create!", ("append", b"two three\n")],
        b"one\ntwo three\n",
    ),
    "ROT-4-gap": (
        [("append", b"one\n"), "start", "came", ("append!", b"two\nthree\n"), "rename"],
        b"one\ntwo\nthree\n",
    ),
    "ROT-4-at-stop": (
        [("append", b"one\n"), "start", ("append!", (b"y" * 4000 + b"\n") * 2000), "rename!"],
        b"one\n" + (b"y" * 4000 + b"\n") * 2000,
    ),
    "ROT-4-race": (
        [("append", b"one\n"), "start", *ROTATE, ("append", b"two\n"), "create", ("append", b"three\n")],
        b"one\n[two\n]three\n",
    ),
    "ROT-4": ([("append", b"one\n"), "start", "rename", "pause", "create", ("append", b"two\n")], b"one\ntwo\n"),
    "ROT-5": (
        [("append", b"one\n"), "start", ("append", b"piece"), "rename", "create", ("append", b"two\n")],
        b"one\npiece\ntwo\n",
    ),
    "ROT-5-quick": (
        [("append", b"one\n"), "start", ("append!", b"piece"), *ROTATE, ("append", b"two two\n")],
        b"one\npiece\ntwo two\n",
    ),
    "ROT-5-at-stop": (
        [("append", b"one\n"), "start", ("append", b"piece"), *ROTATE, ("append!", b"two\nthree\n")],
        b"one\npiece\ntwo\nthree\n",
    ),
    "ROT-5-longer": (
        [("append", b"one\n"), "start", ("append", b"piece"), *ROTATE, ("append", b"two two two\nthree\n")],
        b"one\npiece\ntwo two two\nthree\n",
    ),
    "ROT-6": (
        [
            ("append", b"one\n"),
            "start",
            "rename",
            "create",
            ("append", b"two two two\n"),
            "rename",
            "create",
            ("append", b"three\n"),
        ],
        b"one\ntwo two two\nthree\n",
    ),
    "ROT-6-quick": (
        [("append", b"one\n"), "start", *ROTATE, ("append", b"two\n"), *ROTATE, ("append", b"three\nfour\n")],
        b"one\ntwo\nthree\nfour\n",
    ),
    "ROT-6-twice": (
        [("append", b"one\n"), "start", *ROTATE, ("append!", b"two\n"), *ROTATE, ("append", b"three\nfour\n")],
        b"one\n[two\n]three\nfour\n",
    ),
    "ROT-6-soon": (
        [
            ("append", b"one\n"),
            "start!",
            "came",
            *ROTATE,
            ("append!", b"two\n"),
            "came",
            *ROTATE,
            ("append", b"three\n"),
        ],
        b"one\ntwo\nthree\n",
    ),
    "ROT-7-turned": (["link", ("append", b"one\n"), "start", "pause"], b"one\ntwo\n"),
    "ROT-7-quick": (
        ["link", ("append", b"one\n"), "start", "turn!", ("append", b"two\n"), ("append", b"three\n")],
        b"one\ntwo\nthree\n",
    ),
    "ROT-7-folder": (
        ["link_folder", ("append", b"one\n"), "start", "turn_folder", ("append", b"two\n"), ("append", b"three\n")],
        b"one\ntwo\nthree\n",
    ),
    "RES-4-directory": (["mkdir", "start", "slept", "pause", "slept"], b""),
    "ROT-8": (
        [
            ("append", b"one\n"),
            "start",
            "delete",
            *["pause"] * 4,
            "open",
            "create!",
            ("append", b"two\n"),
            "pause",
            "open",
        ],
        b"one\ntwo\n",
    ),
    "ROT-7": (
        ["link", ("append", b"one\n"), "start", "turn", ("append", b"two\n"), ("append", b"three\n")],
        b"one\ntwo\nthree\n",
    ),
}


class Producer:
    """Does the steps to one file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sub" / "log"
        self.path.parent.mkdir()
        self.held = None
        self.last = b""
        self.targets = 0
        self.number = 0

    def append(self, data: bytes) -> None:
        if self.held is None:
            self.create()
        self.held.write(data)
        self.last = data

    def other(self, data: bytes) -> None:
        self.path.with_name("log.2").open("ab").write(data)

    def create(self) -> None:
        self.held = open(self.path, "ab", buffering=0)  # the file that was renamed is written to until then

    def rename(self) -> None:
        self.path.rename(self.path.with_name("log.1"))

    def replace(self, data: bytes) -> None:
        self.path.with_name("new").write_bytes(data)
        self.path.with_name("new").rename(self.path)
        self.create()

    def delete(self) -> None:
        if self.held is not None:
            self.held.close()
            self.held = None
        self.number = self.path.stat().st_ino
        self.path.unlink()

    def reuse(self, data: bytes) -> None:
        """Make a file that got the inode number of the deleted one, as a file system may choose it."""
        made = [self.path.with_name(f"made.{n}") for n in range(256)]
        for each in made:
            each.write_bytes(data)
        same = [each for each in made if each.stat().st_ino == self.number]
        (same or made)[0].rename(self.path)  # none has it where the tailer holds the deleted file open
        self.create()

    def truncate(self) -> None:
        os.truncate(self.path, 0)

    def touch(self) -> None:
        os.utime(self.path)

    def chmod(self) -> None:
        self.path.chmod(self.path.stat().st_mode ^ 0o44)

    def link(self) -> None:
        self.path.symlink_to("target.0")

    def remake(self) -> None:
        self.path.with_name("target.0").rename(self.path.with_name("target.0.1"))
        self.create()

    def turn(self) -> None:
        self.targets += 1
        self.path.with_name(f"target.{self.targets}").touch()
        self.path.with_name("link").symlink_to(f"target.{self.targets}")
        self.path.with_name("link").rename(self.path)
        self.create()

    def link_folder(self) -> None:
        folder = self.path.parent
        folder.rename(folder.with_name("folder.0"))
        folder.symlink_to("folder.0")

    def turn_folder(self) -> None:
        folder = self.path.parent
        folder.with_name("folder.1").mkdir()
        folder.with_name("link").symlink_to("folder.1")
        folder.with_name("link").rename(folder)
        self.create()

    def rename_folder(self) -> None:
        self.path.parent.rename(self.path.parent.with_name("sub.1"))

    def mkdir(self) -> None:
        self.path.mkdir()

    def rmdir(self) -> None:
        self.path.parent.rmdir()

    def mkparent(self) -> None:
        self.path.parent.mkdir()

    def socket(self) -> None:
        import socket

        socket.socket(socket.AF_UNIX).bind(str(self.path))


def deleted_and_open(pid: int) -> bytes:
    """The deleted files that the processes of the session hold open, by their names."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getsid(int(folder.name)) == pid:
                found |= {os.readlink(each) for each in (folder / "fd").iterdir()}
    return ", ".join(sorted(Path(each).name for each in found if each.endswith("(deleted)"))).encode()


def sleeps(pid: int) -> bytes:
    """How often a process has gone to sleep by itself, and the seconds that it has run."""
    slept = Path(f"/proc/{pid}/status").read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0]
    ran = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return f"slept {slept} times, ran for {ran:.1f} s; ".encode()


def play(name: str, scenario: str) -> tuple[bytes, bytes, bytes, bytes]:
    """What a right one puts out, what this one did, what showed at `show`, `open` and `slept`, and its standard error."""
    steps, wanted = SCENARIOS[scenario]
    shown = b""
    with tempfile.TemporaryDirectory() as folder:
        out, errors = Path(folder, "out"), Path(folder, "errors")
        producer = Producer(Path(folder))
        process: subprocess.Popen[bytes] | None = None
        for step in steps:
            verb, *data = (step,) if isinstance(step, str) else step
            if verb in ("start", "start!"):
                line = words(name, str(producer.path))
                process = subprocess.Popen(
                    line, stdout=out.open("wb"), stderr=errors.open("wb"), start_new_session=True
                )
            elif verb == "show":
                shown = out.read_bytes()
            elif verb == "open":
                shown += deleted_and_open(process.pid) if process is not None else b""
            elif verb == "slept":
                shown += sleeps(process.pid) if process is not None else b""
            elif verb == "came":
                ends = time.monotonic() + 4 * PAUSE
                while not out.read_bytes().endswith(producer.last) and time.monotonic() < ends:
                    pass  # the next step follows at once
            elif verb.endswith("!"):  # without a pause after it
                getattr(producer, verb[:-1])(*data)
                continue
            elif verb == "moment":
                time.sleep(MOMENT)
                continue
            elif verb != "pause":
                getattr(producer, verb)(*data)
            if process is not None and verb not in ("show", "open", "slept", "start!", "came"):
                time.sleep(PAUSE)
        assert process is not None
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        return wanted, out.read_bytes(), shown, errors.read_bytes()


def main() -> None:
    name, *scenarios = sys.argv[1:]
    for scenario in scenarios or SCENARIOS:
        wanted, got, shown, errors = play(name, scenario)
        short = [
            text if len(text) < 300 else text[:60] + b"..." + text[-60:] + b" (%d bytes)" % len(text)
            for text in (wanted, got)
        ]
        print(f"{name} {scenario}: {'as it should' if wanted == got else 'DIFFERENT'}")
        print(f"  right: {short[0]!r}\n  got:   {short[1]!r}" + (f"\n  in between: {shown!r}" if shown else ""))
        if errors:
            print(f"  on standard error: {errors.decode(errors='replace').strip()[-300:]}")


if __name__ == "__main__":
    main()
