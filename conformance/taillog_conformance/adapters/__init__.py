"""Adapters: how the suite drives an implementation. Pick one, or write one (a subclass of `Adapter`)."""

from .base import DEFAULT, Adapter, Job, Tailer
from .class_adapter import TailLogAdapter
from .command import CommandAdapter

__all__ = ["DEFAULT", "Adapter", "CommandAdapter", "Job", "TailLogAdapter", "Tailer"]
