"""From a target's name to its adapter: `module:Class` or `module:adapter_object`."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .adapters import Adapter, CommandAdapter, ProtocolAdapter, TailLogAdapter
from .contract import load_contract
from .outcomes import UsageProblem
from .report.inert import in_one_line

FINER = {
    "stream": "Writes to a text stream that its caller owns.",
    "object": "Is an object in the caller's process, with start(), stop() and stopped().",
    "several-files": "Follows several files at once.",
    "from-start": "Delivers what stood in a file at start(), from its first byte.",
    "missing-files": "Waits for a file that is not there at start().",
    "path-twice": "Follows one path under two keys.",
    "last-piece": "Is told when to stop, so that it can deliver an unterminated last piece.",
}
"""Capabilities that are not the contract's: of an adapter's kind (a program has no stream of a caller's), or of tailers
that leave a part of the contract out by design (one whose caller opens the file, one that is never told to stop)."""


@dataclass(frozen=True)
class Target:
    """What is to be checked: a name, a command or a driver, and the capabilities to add to its own or to take away.

    `stop` and `attribute` are a command's, as its adapter takes them.
    """

    name: str | None = None
    command: str | None = None
    capabilities: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    driver: str | None = None
    stop: str | None = None
    attribute: str | None = None

    def adapter(self) -> Adapter:
        """The adapter, its target imported.

        Raises:
            UsageProblem: there is no such target, it cannot be imported or has the wrong shape, or a capability is
                unknown; the message is one line.
        """
        known_capabilities(self.without)
        adapter = self._adapter()
        known_capabilities(adapter.capabilities)  # those asked for here, and those that the target declares itself
        return adapter

    def names_an_adapter(self) -> bool:
        """Whether its name is that of an adapter object, and not of a tailer."""
        return self.command is None and self.driver is None and isinstance(_imported(self.name or ""), Adapter)

    def _adapter(self) -> Adapter:
        if self.command is None and (self.stop is not None or self.attribute is not None):
            raise UsageProblem("how a command stops and whose its lines are has a meaning for a command alone")
        if self.command is not None:
            return CommandAdapter(
                self.command,
                capabilities=self.capabilities,
                without=self.without,
                stop=self.stop or "TERM",
                attribute=self.attribute,
            )
        if self.driver is not None:
            return ProtocolAdapter(self.driver, capabilities=self.capabilities, without=self.without)
        if not self.name:
            raise UsageProblem(
                "no tailer to check: name one (module:Class or module:adapter_object), or give a command"
            )
        found = _imported(self.name)
        if isinstance(found, Adapter):
            found.capabilities = frozenset((found.capabilities | set(self.capabilities)) - set(self.without))
            found.refuse_impossible()
            return found
        if isinstance(found, type) and issubclass(found, Adapter):
            raise UsageProblem(f"{self.name} is a class of adapters; name an object of it, made in your module")
        if not callable(found):
            raise UsageProblem(f"{self.name} is neither a class nor an adapter")
        return TailLogAdapter(found, name=self.name, capabilities=self.capabilities, without=self.without)


def described(adapter: Adapter) -> dict[str, Any]:
    """What a report says of the target: its name in one line of what prints, its kind, what it declares."""
    return {
        "name": in_one_line(str(adapter.name)),
        "adapter": in_one_line(str(adapter.kind)),
        "capabilities": sorted(adapter.capabilities),
    }


def known_capabilities(names: Iterable[str]) -> None:
    """Raise UsageProblem for a name that is no capability."""
    known = [*load_contract().capabilities, *FINER]
    for name in names:
        if name not in known:
            raise UsageProblem(f"unknown capability {name!r}; there are {', '.join(known)}")


def _imported(name: str) -> object:
    module_name, colon, path = name.partition(":")
    if not colon or not path or not module_name:
        raise UsageProblem(f"the target {name!r} is not of the form module:Class or module:adapter_object")
    if module_name.partition(".")[0] in _shadowing():
        raise UsageProblem(
            f"the module {module_name!r} of the target has the name of one of Python's own, which other parts of the "
            "run would get in its place: give it another name"
        )
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: object = importlib.import_module(module_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may raise anything while it is imported, SystemExit too
        why = f"{type(error).__name__}: {one_line(error)}"
        imported_as = module_name.removesuffix(".py").lstrip("./").replace("/", ".")
        if imported_as != module_name:
            why = f"it is named as a path is; named as in an import it is {imported_as}:{path}"
        raise UsageProblem(f"the module {module_name!r} of the target cannot be imported: {why}") from None
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise UsageProblem(f"the module {module_name!r} has no {path!r}") from None
    return found


def _shadowing() -> list[str]:
    """The modules of Python's own whose names are taken by a module or a package in this folder."""
    here = {path.stem for path in Path().glob("*.py")} | {path.parent.name for path in Path().glob("*/__init__.py")}
    # Projects have their tests in a folder of this name, and nobody imports Python's.
    return sorted(here & sys.stdlib_module_names - {"test"})


def one_line(error: BaseException) -> str:
    """An exception's text in one line, even where it has none to give."""
    try:
        return " ".join(str(error).split())
    except Exception:
        return "(its text cannot be had)"
