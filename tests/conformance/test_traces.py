"""Traces of errors: whole, and without the marks for which Python would parse the source."""

from __future__ import annotations

import ast
import traceback

import pytest

from taillog_conformance import traces


def _fail() -> None:
    raise ValueError("first")


def _error() -> BaseException:
    try:
        try:
            _fail()
        except ValueError as error:
            raise RuntimeError("second") from error
    except RuntimeError as error:
        return ExceptionGroup("several", [error, OSError("third")])


def _parse_not(*_: object, **__: object) -> None:
    raise SystemError("AST constructor recursion depth mismatch")


def test_an_error_is_told_with_all_that_it_came_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ast, "parse", _parse_not)
    told = traces.of_error(_error())
    for words in ("several", "RuntimeError: second", "ValueError: first", "OSError: third", "in _fail"):
        assert words in told
    assert 'raise ValueError("first")' in told
    assert "^" not in told
    assert not told.endswith("\n")


def test_a_stack_is_told_without_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ast, "parse", _parse_not)
    try:
        _fail()
    except ValueError as error:
        told = traces.of_stack(traceback.extract_tb(error.__traceback__))
    assert told.splitlines()[-1].strip() == 'raise ValueError("first")'
