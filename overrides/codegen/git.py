"""Runs git in the repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

from codegen import Problem


def run_git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git in a folder. The caller checks the exit code.

    Raises:
        Problem: git is not installed.
    """
    command = ["git", "-C", str(root), *arguments]
    try:
        return subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    except OSError as error:
        raise Problem(f"git cannot be run: {error.strerror}", "install git") from error


def git_output(root: Path, *arguments: str) -> str:
    """Run git and return its output.

    Raises:
        Problem: git is not installed, or exits with an error.
    """
    done = run_git(root, *arguments)
    if done.returncode != 0:
        raise Problem(f"git {arguments[0]}: {done.stderr.strip()}", "run this in a clone with its history and tags")
    return done.stdout
