"""run.py [TEST...]: runs the tests, and sees to it that they call every function of the library.

LIBMIRROR_PATH names the library; tests are named as for unittest.
"""

import sys
import unittest
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from libmirror._library import lib  # noqa: E402

calls: "Counter[str]" = Counter()


def count_calls() -> None:
    """Puts a counter in front of every function."""
    for name, function in vars(lib).items():

        def counted(*arguments: Any, name: str = name, function: Any = function) -> Any:
            calls[name] += 1
            return function(*arguments)

        setattr(lib, name, counted)


def main() -> int:
    """Returns the exit status."""
    count_calls()
    loader = unittest.defaultTestLoader
    chosen = sys.argv[1:]
    suite = loader.loadTestsFromNames(chosen) if chosen else loader.discover(str(HERE))
    result = unittest.TextTestRunner(stream=sys.stdout).run(suite)
    missing = sorted(set(vars(lib)) - set(calls))
    print(f"{len(calls)} of {len(vars(lib))} functions of the library were called")
    if missing and not chosen:
        print("not called:", *missing)
        return 1
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
