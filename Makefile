# Every way in. `make` alone prints this, made from the comments on the variables and the targets.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Python 3.11 or later; .venv is made with it
PYTHON ?= python3
# contract, drift: the server to test, with its path prefix; empty: the embedded one
BASE_URL ?=
# contract: API key or user access token; better given by the environment
TOKEN ?=
# contract: session cookie, instead of TOKEN or beside it
KS_UAT ?=
# contract: a workflow definition of that server that has runs; several with commas
DEFINITION_ID ?=
# contract: one that has no runs; several with commas
EMPTY_DEFINITION_ID ?=
# contract: one that the credentials may not read, such as another tenant's; several with commas
FOREIGN_DEFINITION_ID ?=
# contract: only this operation of the contract, by its operationId (all)
OPERATION ?=
# contract: 1 sends a deployment also POST, PUT, PATCH and DELETE: the contract's own, and those that it must refuse
ALL_METHODS ?=
# contract: checks to leave out, with commas
EXCLUDE_CHECKS ?=
# contract: 1 stops at the first violation
FAIL_FAST ?=
# contract: 1 also asks for every limit, and for some hundred offsets
THOROUGH ?=
# contract: how many requests the fuzzing phase makes at most (30)
MAX_EXAMPLES ?=
# contract: seconds after which no more requests are made; 0 means no limit (0)
MAX_TIME ?=
# contract: bytes that an answer may have (16777216)
MAX_ANSWER ?=
# contract: another number, other requests; with CHURN, other changes too (0)
SEED ?=
# contract: requests to a deployment at most, as number/s, /m or /h (20/s)
RATE_LIMIT ?=
# contract, docs, fleet: where the reports go: promises.html, junit.xml, contract.sarif, ctrf.json, requests.har, ... (reports)
REPORT_DIR ?=
# breaking: what to compare with, a commit, branch, tag or file (the last release tag)
BASE ?=
# serve: where to listen
PORT ?= 8000
# serve: a SQLite file, sqlite:///runs.db, or a PostgreSQL, postgresql+psycopg://user:password@host/database (in memory)
DATABASE_URL ?=
# serve: how many runs to fill the database with, if it is empty (137)
SEED_RUNS ?=
# serve: how many times a second the list of runs changes (0)
CHURN ?=
# benchmark: only this one: generation, client, contract or server (all)
BENCHMARK ?=
# vendor, verify-vendor: the folder in your project that the copy of the client lies in
DEST ?=
# vendor, verify-vendor: the name of the copy (ks_workflow_runs)
NAME ?=
# vendor: 1 replaces a copy that was edited, and whatever else is at its place
FORCE ?=
# mutants: the one to run, instead of all; contract, serve: the fault that the reference server is to have
MUTANT ?=
# mutants, fleet: a share of them, such as 2/4
SHARD ?=
# mutants, fleet: 1 goes on from the results of an earlier run of the same sources
RESUME ?=
# fleet, fleet-report, fleet-matrix: the file that lists the deployments (fleet.toml)
FLEET ?=
# fleet: how many deployments are tested at once (twice the processors); fleet-matrix: how many shares (8)
JOBS ?=
# fleet, fleet-report: 1 fails only for findings that were not there before
NEW_ONLY ?=
# fleet-diff: a deployment of the last run, by its name, or of another run, as FILE#NAME with its fleet.json
A ?=
# fleet-diff: the deployment to compare A with
B ?=
# test: further arguments of pytest, such as tests/client; contract: of `schemathesis run`
ARGS ?=

# For `make contract` and `make drift`: by the environment, so that no secret shows in a list of processes.
export BASE_URL TOKEN KS_UAT DEFINITION_ID EMPTY_DEFINITION_ID FOREIGN_DEFINITION_ID OPERATION ALL_METHODS
export EXCLUDE_CHECKS FAIL_FAST THOROUGH MAX_EXAMPLES MAX_TIME MAX_ANSWER SEED RATE_LIMIT REPORT_DIR
# For `make breaking`.
export BASE
# For `make serve`, and for the server that `make contract` starts.
export DATABASE_URL SEED_RUNS CHURN MUTANT
# For `make mutants` and `make fleet`.
export SHARD RESUME FLEET JOBS NEW_ONLY A B
# For `make vendor`: by the environment, whatever characters a path has. Some shells (WSL) have the machine's name in NAME.
ifeq ($(origin NAME),environment)
  NAME :=
endif
export DEST NAME

# A misspelt variable would change nothing, and nobody would notice.
variables := $(shell sed -n 's/^\([A-Z_]*\) ?=.*/\1/p' Makefile)
given := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
ifneq ($(given),)
  unknown := $(filter-out $(variables),$(given))
  ifneq ($(unknown),)
    $(info problem: there is no variable $(unknown))
    $(info fix: take the name from what `make help` lists)
    $(error nothing was done)
  endif
endif

# Nor would one without a value, which make takes for a target, after the others.
valueless := $(filter $(variables),$(MAKECMDGOALS))
ifneq ($(valueless),)
  $(info problem: $(valueless) is a variable, and has no value)
  $(info fix: write it with its value, as in $(firstword $(valueless))=value)
  $(error nothing was done)
endif

python := PYTHONPATH=generated:overrides .venv/bin/python

.PHONY: help contract fleet fleet-report fleet-matrix fleet-diff mutants test generate verify breaking promises docs drift vendor verify-vendor build release-check serve benchmark lint lock setup setup-dev

help: ## print this
	@awk 'BEGIN { print "Usage: make TARGET [VARIABLE=value ...]\n\nTargets:" } \
	  /^[a-z-]+:.* ## / { name = $$1; sub(":", "", name); sub(/.* ## /, ""); printf "  %-21s %s\n", name, $$0 } \
	  /^# / { comment = substr($$0, 3) } \
	  /^[A-Z_]+ \?=/ { variables = variables sprintf("  %-21s %s%s\n", $$1, comment, $$3 == "" ? "" : " (" $$3 ")") } \
	  END { printf "\nVariables, with their defaults:\n%s", variables }' Makefile

.DEFAULT:
	@printf "problem: there is no target '%s'\nfix: take one that 'make help' lists\n" '$@' >&2; exit 2

contract: setup ## test a live server against the contract, by default the embedded one
	@$(python) -m tests.contract $(ARGS)

fleet: setup ## test all deployments that FLEET lists, side by side, and say what is new since the last time
	@$(python) -m tests.fleet run

fleet-report: setup ## merge what the shares of a fleet found, from below REPORT_DIR
	@$(python) -m tests.fleet report

fleet-matrix: setup ## print the matrix of shares that GitHub Actions takes
	@$(python) -m tests.fleet matrix

fleet-diff: setup ## say in what the deployments A and B differ, or one before and after an upgrade
	@$(python) -m tests.fleet diff

mutants: setup ## prove the contract run: deliberate faults, and which checks find each
	@env -u MUTANT $(python) -m tests.mutants $(MUTANT)

# Four at a time on any machine: many tests wait for a server or a process.
test: setup-dev ## run the tests, offline
	@$(python) -m pytest -n 4 --dist worksteal $(ARGS)

generate: setup-dev ## rewrite generated/ from openapi.yaml and overrides/
	@$(python) -m codegen generate

verify: setup-dev ## check that generated/ is what `make generate` would write; writes nothing
	@$(python) -m codegen verify

breaking: setup ## say what changed in the contract since BASE, and whom each change breaks
	@$(python) -m codegen breaking

promises: setup ## list what the contract promises, who honours each promise, and which checks judge it
	@$(python) -m tests.contract.claims

docs: setup ## write the contract as a page for readers, reports/docs.html
	@$(python) -m codegen docs

drift: setup ## compare the document that the deployment at BASE_URL serves, its /openapi.json, with the contract
	@$(python) -m codegen drift

vendor: setup ## copy the client into your project's folder DEST, or update it there
	@$(python) -m codegen vendor $(if $(filter 1,$(FORCE)),--force) --name "$${NAME:-ks_workflow_runs}" -- "$$DEST"

verify-vendor: setup ## say whether the copy in DEST is fresh, outdated or edited
	@$(python) -m codegen verify-vendor --name "$${NAME:-ks_workflow_runs}" -- "$$DEST"

# Without isolation: the build is the locked one, and needs no network. The time in the archives is hatchling's own.
build: verify ## build wheel and sdist into dist/, the same bytes each time
	@rm -rf dist
	@env -u SOURCE_DATE_EPOCH $(python) -m hatchling build

release-check: setup-dev ## say what stands against a release
	@$(python) -m codegen release-check

serve: setup ## run the reference server in the foreground
	@$(python) -m tests.reference_server --port $(PORT)

# A rival that cannot be had is shown as not measured.
benchmark: setup-dev ## measure what the project claims, next to rivals; eight minutes on an idle machine
	@cmp -s requirements-benchmark.lock .venv-benchmark/requirements-benchmark.lock || \
	  sh .ci/setup "$(PYTHON)" .venv-benchmark requirements-benchmark.lock || true
	@$(python) -m tests.benchmarks $(BENCHMARK)

lint: setup-dev ## check style and types of the code, and rules, examples and style of the contract, which needs Node
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@$(python) -m mypy
	@$(python) -m basedpyright
	@$(python) -m codegen lint
	@sh .ci/lint-contract

compile := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: setup-dev ## rewrite the lock files after a change of the pins in pyproject.toml
	@$(compile) --group run --output-file requirements.lock
	@$(compile) --group dev --constraints requirements.lock --output-file requirements-dev.lock
	@$(compile) --group benchmark --constraints requirements-dev.lock --output-file requirements-benchmark.lock

# Content, not file times, decides whether .venv is current: the lock that it was made from lies in it.
setup: ## make .venv; every other target does so by itself
	@cmp -s requirements.lock .venv/requirements.lock || sh .ci/setup "$(PYTHON)" .venv requirements.lock

setup-dev: setup ## add to .venv what tests, linters and `make lock` need; these targets do so by themselves
	@cmp -s requirements-dev.lock .venv/requirements-dev.lock || sh .ci/setup --add .venv requirements-dev.lock
