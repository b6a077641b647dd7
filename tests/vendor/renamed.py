"""A plugin for pytest: runs the tests of the client against the copy that the environment variable COPY names.

The copy is imported whole, under its own name, where there is no other; only then its modules get the names by which
the tests import them.
"""

from __future__ import annotations

import importlib.util
import os
import pkgutil
import sys

from codegen import PACKAGE

assert importlib.util.find_spec(PACKAGE) is None
name = os.environ["COPY"]
copy = importlib.import_module(name)
for found in pkgutil.walk_packages(copy.__path__, f"{name}."):
    importlib.import_module(found.name)
for loaded, module in list(sys.modules.items()):
    if loaded == name or loaded.startswith(f"{name}."):
        sys.modules[PACKAGE + loaded.removeprefix(name)] = module
