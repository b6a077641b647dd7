# Every way in. `make` alone prints this list, made from the comments behind the targets and the variables.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3## the interpreter that .venv is made with, 3.11 or later

export PYTHONPATH := $(CURDIR)/generated:$(CURDIR)/overrides:$(CURDIR)
venv := .venv/bin

# Content, not file times, decides whether .venv is current: the lock that it was made from lies beside it.
.PHONY: setup
setup:
	@cmp -s requirements.lock .venv/requirements.lock || sh .ci/setup "$(PYTHON)"

.PHONY: lock
lock: setup ## rewrite requirements.lock after a change of the pins in pyproject.toml
	$(venv)/uv pip compile --quiet --universal --python-version 3.11 --group dev --generate-hashes --no-annotate \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --output-file requirements.lock
