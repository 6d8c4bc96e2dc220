"""Adapters: how the suite drives an implementation. Pick one, or write one (a subclass of `Adapter`)."""

from .async_iterator import AsyncIteratorAdapter
from .base import DEFAULT, Adapter, Job, Tailer
from .callback import CallbackAdapter
from .class_adapter import TailLogAdapter
from .command import BY_FLAG, END_OF_INPUT, CommandAdapter
from .iterator import IteratorAdapter
from .protocol import ProtocolAdapter

__all__ = [
    "BY_FLAG",
    "DEFAULT",
    "END_OF_INPUT",
    "Adapter",
    "AsyncIteratorAdapter",
    "CallbackAdapter",
    "CommandAdapter",
    "IteratorAdapter",
    "Job",
    "ProtocolAdapter",
    "TailLogAdapter",
    "Tailer",
]
