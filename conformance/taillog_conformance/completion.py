"""What the shell completes where click cannot know it: ids and areas of the contract, capabilities, measures."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem


def requirements(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The requirements whose ids begin so, in any case."""
    from .contract import load_contract

    begun = incomplete.upper()
    found = [(each.id, each.title) for each in load_contract().requirements]
    return [CompletionItem(id, help=title) for id, title in found if id.startswith(begun)]


def selections(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The same with the areas before them."""
    from .contract import load_contract

    areas = [CompletionItem(id, help=title) for id, title in load_contract().areas.items()]
    begun = incomplete.upper()
    return [each for each in areas if each.value.startswith(begun)] + requirements(context, parameter, incomplete)


def capabilities(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The contract's capabilities that begin so."""
    from .contract import load_contract

    found = load_contract().capabilities.items()
    return [CompletionItem(name, help=sentence) for name, sentence in found if name.startswith(incomplete)]


def measures(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The measures of the bench that begin so."""
    from .bench.measures import MEASURES

    return [CompletionItem(name) for name in MEASURES if name.startswith(incomplete)]


def stops(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The ways in which a command is usually stopped that begin so; any other signal will do too."""
    from .adapters.command import BY_FLAG, END_OF_INPUT

    return [CompletionItem(how) for how in ("TERM", "INT", END_OF_INPUT, BY_FLAG) if how.startswith(incomplete)]
