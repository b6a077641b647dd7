# All commands of the project. `make help` prints the comments of targets and variables.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Python 3.11 or later, to create .venv
PYTHON ?= python3
# contract, drift: URL of the server, with its path prefix; contract without it: the embedded server
BASE_URL ?=
# contract: API key or user access token; better set in the environment
TOKEN ?=
# contract: session cookie, instead of TOKEN or in addition
KS_UAT ?=
# contract: a workflow definition with runs; several: comma-separated
DEFINITION_ID ?=
# contract: one without runs; several: comma-separated
EMPTY_DEFINITION_ID ?=
# contract: one that the credentials may not read, such as another tenant's; several: comma-separated
FOREIGN_DEFINITION_ID ?=
# contract: test only this operation, an operationId (all)
OPERATION ?=
# contract: 1 also sends POST, PUT, PATCH and DELETE to a deployment, in the contract or not
ALL_METHODS ?=
# contract: checks to skip, comma-separated
EXCLUDE_CHECKS ?=
# contract: 1 stops at the first violation
FAIL_FAST ?=
# contract: 1 also requests every limit and some hundred offsets
THOROUGH ?=
# contract: maximum number of requests of the fuzzing phase (30)
MAX_EXAMPLES ?=
# contract: seconds after which no more requests are sent; 0: no limit (0)
MAX_TIME ?=
# contract: maximum size of a response in bytes (16777216)
MAX_ANSWER ?=
# contract, serve: seed of the random requests, and of the changes of CHURN (0)
SEED ?=
# contract: maximum rate of requests to a deployment, as number/s, /m or /h (20/s)
RATE_LIMIT ?=
# contract, docs, fleet: folder for promises.html, junit.xml, contract.sarif, ctrf.json, requests.har, ... (reports)
REPORT_DIR ?=
# breaking: commit, branch, tag or file to compare with (the last release tag)
BASE ?=
# serve: port to listen on
PORT ?= 8000
# serve: SQLite file, sqlite:///runs.db, or PostgreSQL, postgresql+psycopg://user:password@host/database (in memory)
DATABASE_URL ?=
# serve: number of runs in an empty database (137)
SEED_RUNS ?=
# serve: changes of the list of runs per second (0)
CHURN ?=
# benchmark: only generation, client, contract or server (all)
BENCHMARK ?=
# vendor, verify-vendor: folder in your project that contains the copy of the client
DEST ?=
# vendor, verify-vendor: name of the copy (ks_workflow_runs)
NAME ?=
# vendor: 1 replaces an edited copy, and any other files in its place
FORCE ?=
# mutants: run only this mutant; contract, serve: run the embedded server with this fault
MUTANT ?=
# mutants, fleet: run only this shard, such as 2/4
SHARD ?=
# mutants, fleet: 1 continues an earlier run of the same sources
RESUME ?=
# fleet, fleet-report, fleet-matrix: file that lists the deployments (fleet.toml)
FLEET ?=
# fleet: deployments tested at once (twice the processors); fleet-matrix: number of shards (8)
JOBS ?=
# fleet, fleet-report: 1 fails only for new findings
NEW_ONLY ?=
# fleet-diff: name of a deployment in the last run, or FILE#NAME with the fleet.json of another run
A ?=
# fleet-diff: deployment to compare with A
B ?=
# test: arguments for pytest, such as tests/client; contract: for `schemathesis run`
ARGS ?=

# For contract and drift. In the environment, so that no secret appears in the process list.
export BASE_URL TOKEN KS_UAT DEFINITION_ID EMPTY_DEFINITION_ID FOREIGN_DEFINITION_ID OPERATION ALL_METHODS
export EXCLUDE_CHECKS FAIL_FAST THOROUGH MAX_EXAMPLES MAX_TIME MAX_ANSWER SEED RATE_LIMIT REPORT_DIR
# For breaking.
export BASE
# For serve, and for the server that contract starts.
export DATABASE_URL SEED_RUNS CHURN MUTANT
# For mutants and fleet.
export SHARD RESUME FLEET JOBS NEW_ONLY A B
# For vendor. In the environment, because a path may contain any character. WSL sets NAME to the machine's name.
ifeq ($(origin NAME),environment)
  NAME :=
endif
export DEST NAME

# Reject misspelt variables, which would have no effect.
variables := $(shell sed -n 's/^\([A-Z_]*\) ?=.*/\1/p' Makefile)
given := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
ifneq ($(given),)
  unknown := $(filter-out $(variables),$(given))
  ifneq ($(unknown),)
    $(info problem: there is no variable $(unknown))
    $(info fix: use a name that `make help` lists)
    $(error nothing was done)
  endif
endif

# Reject variables without a value: make would take them for targets.
valueless := $(filter $(variables),$(MAKECMDGOALS))
ifneq ($(valueless),)
  $(info problem: $(valueless) is a variable and needs a value)
  $(info fix: set it: $(firstword $(valueless))=value)
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
	@printf "problem: there is no target '%s'\nfix: use a target that 'make help' lists\n" '$@' >&2; exit 2

contract: setup ## test a live server against the contract; default: the embedded reference server
	@$(python) -m tests.contract $(ARGS)

fleet: setup ## test all deployments in FLEET, several at once, and report new findings
	@$(python) -m tests.fleet run

fleet-report: setup ## merge the results of all shards below REPORT_DIR
	@$(python) -m tests.fleet report

fleet-matrix: setup ## print a matrix of shards for GitHub Actions
	@$(python) -m tests.fleet matrix

fleet-diff: setup ## print the differences between the deployments A and B, or between two runs of one
	@$(python) -m tests.fleet diff

mutants: setup ## test the contract run: run it against deliberate faults, and print which checks find each
	@env -u MUTANT $(python) -m tests.mutants $(MUTANT)

# Four processes on any machine, because many tests wait for a server or a process.
test: setup-dev ## run the tests, offline
	@$(python) -m pytest -n 4 --dist worksteal $(ARGS)

generate: setup-dev ## rewrite generated/ from openapi.yaml and overrides/
	@$(python) -m codegen generate

verify: setup-dev ## check that generated/ is up to date; writes nothing
	@$(python) -m codegen verify

breaking: setup ## list the changes of the contract since BASE, and whom each breaks
	@$(python) -m codegen breaking

promises: setup ## list the promises of the contract, what implements each, and which checks judge it
	@$(python) -m tests.contract.claims

docs: setup ## write the documentation of the contract, reports/docs.html
	@$(python) -m codegen docs

drift: setup ## compare the /openapi.json of the deployment at BASE_URL with the contract
	@$(python) -m codegen drift

vendor: setup ## copy the client into the folder DEST of your project, or update the copy
	@$(python) -m codegen vendor $(if $(filter 1,$(FORCE)),--force) --name "$${NAME:-ks_workflow_runs}" -- "$$DEST"

verify-vendor: setup ## check whether the copy in DEST is fresh, outdated or edited
	@$(python) -m codegen verify-vendor --name "$${NAME:-ks_workflow_runs}" -- "$$DEST"

# Without isolation: with the locked hatchling, and without a network. hatchling sets the times in the archives.
build: verify ## build wheel and sdist into dist/, the same bytes each time
	@rm -rf dist
	@env -u SOURCE_DATE_EPOCH $(python) -m hatchling build

release-check: setup-dev ## list what is missing for a release
	@$(python) -m codegen release-check

serve: setup ## run the reference server in the foreground
	@$(python) -m tests.reference_server --port $(PORT)

# A tool that cannot be installed is shown as not measured.
benchmark: setup-dev ## compare speed and memory with other tools; nine minutes on an idle machine
	@cmp -s requirements-benchmark.lock .venv-benchmark/requirements-benchmark.lock || \
	  sh .ci/setup "$(PYTHON)" .venv-benchmark requirements-benchmark.lock || true
	@$(python) -m tests.benchmarks $(BENCHMARK)

lint: setup-dev ## check style and types of the code, and rules, examples and style of the contract; needs Node
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@$(python) -m mypy
	@$(python) -m basedpyright
	@$(python) -m codegen lint
	@sh .ci/lint-contract

compile := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: setup-dev ## update the lock files after a change of the pins in pyproject.toml
	@$(compile) --group run --output-file requirements.lock
	@$(compile) --group dev --constraints requirements.lock --output-file requirements-dev.lock
	@$(compile) --group benchmark --constraints requirements-dev.lock --output-file requirements-benchmark.lock

# .venv contains the lock file it was created from. Compare contents, not file times.
setup: ## create .venv; other targets do this themselves
	@cmp -s requirements.lock .venv/requirements.lock || sh .ci/setup "$(PYTHON)" .venv requirements.lock

setup-dev: setup ## add the tools for generation, builds, tests and linters to .venv; other targets do this themselves
	@cmp -s requirements-dev.lock .venv/requirements-dev.lock || sh .ci/setup --add .venv requirements-dev.lock
