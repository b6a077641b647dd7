"""A pytest plugin that runs the tests of the client against the copy of the environment variable COPY.

The copy is imported completely under its own name, without another one installed. Then its modules get the names that
the tests import.
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
