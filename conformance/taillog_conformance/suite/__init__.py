"""The suite: one module an area of the contract. `from taillog_conformance.suite import *` brings all checks."""

from ._registry import all_checks, function_of

_functions = {check.function: function_of(check) for check in all_checks()}
globals().update(_functions)
__all__ = list(_functions)
