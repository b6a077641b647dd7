"""The YAML loader: values, refused input, and lines."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import ROOT, Problem
from codegen.__main__ import main
from codegen.openapi import Document, parse, read
from tests.codegen.trees import CONTRACT_PATH, copy_tree, replace


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[on, off, yes, no, y, n, On, NO]", ["on", "off", "yes", "no", "y", "n", "On", "NO"]),
        ("[true, True, FALSE, null, ~, ]", [True, True, False, None, None]),
        ("[010, 0o10, 0x1F, +5, -0, 1_000, 12:30:00]", [10, 8, 31, 5, 0, "1_000", "12:30:00"]),
        ("[1.5, .5, 1e3, 1.]", [1.5, 0.5, 1000.0, 1.0]),
        ("[2026-04-14, '2026-04-14', =]", ["2026-04-14", "2026-04-14", "="]),
        ("['1', !!str 1, ! 1, !!float 1, !!int 1]", ["1", "1", "1", 1.0, 1]),
        ("{200: a, on: b, null: c, 1.0: d, yes: e}", {"200": "a", "on": "b", "null": "c", "1.0": "d", "yes": "e"}),
        ("a: &x {b: [1]}\nc: *x\nd: [*x, *x]", {"a": (x := {"b": [1]}), "c": x, "d": [x, x]}),
        ("", None),
        ("\ufeffa: 1", {"a": 1}),
        ("%YAML 1.2\n---\na: no\n...", {"a": "no"}),
    ],
)
def test_scalars_have_the_meaning_of_yaml_1_2(text: str, value: Any) -> None:
    found = parse(text, "f.yaml").value
    assert found == value
    # In Python, 1 == True.
    assert json.dumps(found) == json.dumps(value)


REFUSED = {
    "a key twice": ("a: 1\nb:\n  c: 1\n  c: 2", 'f.yaml:4:3: duplicate key "c"'),
    "a key twice, written in two ways": ("200: 1\n'200': 2", 'f.yaml:2:1: duplicate key "200"'),
    "no YAML": ("a: [", "f.yaml:2:1: not YAML: while parsing a flow node"),
    "an alias of nothing": ("a: *x", "f.yaml:1:4: the alias `*x` is not defined"),
    "an alias that is a part of itself": ("a: &x [*x]", "f.yaml:1:8: the alias `*x` makes the value part of itself"),
    "a merge key": ("a: &x {b: 1}\nc:\n  <<: *x", "f.yaml:3:3: merge keys (`<<`) are not part of YAML 1.2"),
    "a list as a key": ("? [a]\n: b", "f.yaml:1:3: a key must be text (got a list or a mapping)"),
    "an alias as a key": ("a: &x b\n*x : c", "f.yaml:2:1: a key must be text (got an alias)"),
    "a tag on a key": ("!!int 1: a", "f.yaml:1:1: the key `1` must not have an anchor or a tag"),
    "two documents": ("a: 1\n---\nb: 1", "f.yaml:2:1: the file must have one document; a second one begins here"),
    "infinity": ("a:\n- .inf", "f.yaml:2:3: `.inf` is not part of JSON"),
    "no number": ("a: .NaN", "f.yaml:1:4: `.NaN` is not part of JSON"),
    "too large a number": ("a: 1e400", "f.yaml:1:4: the number `1e400` is too large"),
    "too long a number": ("a: " + "9" * 5000, "f.yaml:1:4: a number of 5,000 digits"),
    "a date by its tag": ("a: !!timestamp 2026-04-14", "f.yaml:1:4: tag:yaml.org,2002:timestamp is not part of JSON"),
    "a word as a number": ("a: !!int on", "f.yaml:1:4: tag:yaml.org,2002:int is not part of JSON"),
    "a Python object": ("a: !!python/object/apply:os.system [id]", "f.yaml:1:4: tag:yaml.org,2002:python/object"),
    "a control character": ("a: \x1b[2J", "f.yaml: not YAML: unacceptable character #x001b"),
    "a control character by its number": ('? "\\e"\n: 1\n"\\e": 2', 'f.yaml:3:1: duplicate key "\\x1b"'),
    "a lone surrogate": ('a: "\\ud800"', "f.yaml:1:7: not YAML: while parsing a quoted scalar"),
    "too deep": ("[" * 200_000, "f.yaml:1:101: nested more than 100 levels deep"),
    "too deep, by aliases": (
        f"a: &a {'[' * 60}{']' * 60}\nb: {'[' * 50}*a{']' * 50}",
        "f.yaml:2:54: nested more than 100 levels deep",
    ),
    "too much, by aliases": (
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdef", "bcdefg", strict=True)),
        "f.yaml:6:8: more than 200,000 values, with those that aliases repeat",
    ),
    "too much": ("[" + "1," * 200_001, "f.yaml:1:400000: more than 200,000 values"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_ambiguous_yaml_is_one_problem_with_its_place(case: str) -> None:
    text, what = REFUSED[case]
    with pytest.raises(Problem) as problem:
        parse(text, "f.yaml")
    assert problem.value.what.startswith(what) and problem.value.fix
    assert problem.value.what.isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=20,
)


@settings(derandomize=True, database=None, deadline=None)
@given(JSON)
def test_json_has_the_same_value_as_json(value: Any) -> None:
    """Except for characters such as NEL, which YAML must escape."""
    text = json.dumps(value)
    # JSON escapes characters beyond the basic plane as surrogate pairs, which YAML does not have.
    if not re.search(r"\\ud[89ab]", text):
        assert json.dumps(parse(text, "f.json").value) == text


@settings(derandomize=True, database=None, deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text, "f.yaml")
    except Problem:
        return
    json.dumps(found.value, allow_nan=False)


def test_values_have_their_lines() -> None:
    document = read(CONTRACT_PATH)
    lines = (CONTRACT_PATH).read_text(encoding="utf-8").splitlines()

    def check(value: Any, pointer: str) -> None:
        for key, below in value.items() if isinstance(value, dict) else ():
            place = f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
            assert re.search(rf"{re.escape(key)}['\"]?:", lines[(document.line(place) or 0) - 1]), place
            check(below, place)
        for index, below in enumerate(value if isinstance(value, list) else ()):
            check(below, f"{pointer}/{index}")

    check(document.value, "#")


def test_aliased_values_have_the_line_of_the_anchor() -> None:
    document = parse("a: &x\n  b:\n  - 1\nc: *x\nd:\n- *x", "f.yaml")
    lines = {
        pointer: document.line(pointer) for pointer in ("#/a/b/0", "#/c", "#/c/b", "#/c/b/0", "#/d/0", "#/d/0/b/0")
    }
    assert lines == {"#/a/b/0": 3, "#/c": 4, "#/c/b": 2, "#/c/b/0": 3, "#/d/0": 6, "#/d/0/b/0": 3}
    assert document.line("#/nowhere/at/all") == 1
    assert Document({}).line("#") is None


# --- files ------------------------------------------------------------------------------------------------------------


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(20 * 2**30)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (_pipe, "it is not a regular file"),
        (_device, "it is not a regular file"),
        (_sparse, "it has more than 16,777,216 bytes"),
        (_folder, "Is a directory"),
    ],
)
@pytest.mark.parametrize("command", ["generate", "breaking"])
def test_unreadable_file_is_one_problem(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    make: Any,
    why: str,
) -> None:
    tree = copy_tree(tmp_path / "tree")
    monkeypatch.setenv("BASE", "other.yaml")
    path = tree / ("openapi.yaml" if command == "generate" else "other.yaml")
    path.unlink(missing_ok=True)
    make(path)
    assert main([command], tree) == 2
    error = capsys.readouterr().err
    assert f"{path.name} cannot be read: {why}" in error and "\nfix: " in error


# --- one reader for all -----------------------------------------------------------------------------------------------


def test_only_the_loader_imports_yaml() -> None:
    """So all read the same values from text that YAML dialects read differently."""
    own = "overrides/codegen/openapi/loader.py"
    places = [ROOT / "overrides", ROOT / "tests"]
    reading = re.compile(r"^\s*(import|from) (yaml|ruamel)\b", re.MULTILINE)
    found = [
        path.relative_to(ROOT).as_posix()
        for place in places
        for path in place.rglob("*.py")
        if reading.search(path.read_text(encoding="utf-8"))
    ]
    assert found == [own]


PROGRAM = """
import json
from codegen import ROOT
from codegen.contract import Contract
from tests.contract.contract import contract
from tests.reference_server.app import read_contract

documents = [Contract(ROOT / "openapi.yaml").document, contract().document, read_contract()]
assert documents[1:] == documents[:-1]
print(json.dumps(documents[0]["components"]["schemas"]["WorkflowRunnerType"]["enum"]))
"""


@pytest.mark.full
def test_booleans_of_yaml_1_1_are_text_everywhere(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path / "tree")
    shutil.copytree(ROOT / "tests", tree / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    replace(tree / "openapi.yaml", "enum: [SELF_HOSTED]", "enum: [on, off, no]")

    def run(program: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(tree / "overrides")}
        command = [sys.executable, "-c", program]
        return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)

    assert run(PROGRAM).stdout == '["on", "off", "no"]\n'
    replace(tree / "openapi.yaml", "tags:\n", "servers: []\ntags:\n")
    for module in ("tests.contract", "tests.reference_server"):
        done = run(f"import runpy, sys; sys.argv[1:] = []; runpy.run_module({module!r}, run_name='__main__')")
        assert done.returncode == 2 and "Traceback" not in done.stderr
        assert 'openapi.yaml cannot be read: duplicate key "servers"' in done.stderr
