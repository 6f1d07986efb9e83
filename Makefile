# Needs python3 (3.11 or newer) and make; everything else is installed into .venv.
#   Another Python:        make PYTHON=python3.13 test
#   Further arguments:     make test ARGS="-k mapping -x"

PYTHON ?= python3
ARGS ?=
PROFILE ?= long
ROOT ?=
BEFORE ?=
UPGRADE ?=

UV := uv==0.13.9
BIN := .venv/bin
PIP := -m pip -qq --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo demo-page test test-long bench prove prove-defects prove-kills drill check lint style types rooms unused rules format picture lock

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: .venv/.installed ## Show the product at work on an embedded sandbox; no account is needed
	@$(BIN)/hubspot-c4c-sync demo $(ARGS)

demo-page: .venv/.installed ## Keep the sandbox and a worker running, and serve the page on what they do, until Ctrl-C
	@$(BIN)/hubspot-c4c-sync demo --page $(ARGS)

test: .venv/.installed ## Run the tests; a few minutes
	@$(BIN)/pytest $(ARGS)

test-long: .venv/.installed ## Run the slow tests, and random tests with many more examples (PROFILE=explore: new ones each time)
	@$(BIN)/pytest -m 'long or hypothesis' --hypothesis-profile=$(PROFILE) $(ARGS)

bench: .venv/.installed ## Measure requests, CPU, memory and disk against the sandbox (ARGS="--list" or scenarios); minutes
	@$(BIN)/python -m bench $(ARGS)

prove: .venv/.installed ## Play random lives of the worker and count broken promises: docs/proof.md; ARGS="--histories N --seed S"
	@PYTHONPATH=.:tests $(BIN)/python -m proof.prove $(ARGS)

prove-defects: .venv/.installed ## Build some forty defects into the worker and see that the checker finds each; ARGS="--only NAME"
	@PYTHONPATH=.:tests $(BIN)/python -m proof.prove_defects $(ARGS)

prove-kills: .venv/.installed ## Kill the real program at 300 boundaries between its steps, and see that the next run puts it right
	@PYTHONPATH=.:tests $(BIN)/python -m proof.prove_kills $(ARGS)

drill: .venv/.installed ## Install, upgrade, back up, destroy, restore and roll back an image: ROOT=unpacked image, BEFORE=older one; needs root
	@PYTHONPATH=tests $(BIN)/python -m drill $(ROOT) $(BEFORE)

check: lint test ## Run everything that must pass before a commit: lint, then test

lint: style types rooms unused rules ## Run the checks that take no tests: style, types, rooms, unused, rules

style: .venv/.installed ## Check format and style (ruff)
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check

types: .venv/.installed ## Check types (mypy --strict)
	@$(BIN)/mypy

rooms: .venv/.installed ## Check that rooms import only from the ones below (import-linter)
	@$(BIN)/lint-imports --no-logo

unused: .venv/.installed ## Check that no code is unused (vulture)
	@$(BIN)/vulture

rules: .venv/.installed ## Check the shipped rules and the examples, without a network
	@state=$$(mktemp -d) && trap 'rm -rf "$$state"' EXIT && \
	for rules in config config/examples/group; do \
	    SYNC_CONFIG=$$rules SYNC_STATE="$$state/state.db" $(BIN)/hubspot-c4c-sync check --offline || exit 1; \
	done

format: .venv/.installed ## Format the code, and repair what ruff can repair
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

picture: .venv/.installed ## Draw the pictures of docs/architecture.md from the imports and calls in the code
	@$(BIN)/python docs/pictures.py

lock: ## Write the lock files from pyproject.toml; with UPGRADE=1 at the newest versions
	@$(need-python)
	@set -e; uv=$$(mktemp -d); trap 'rm -rf "$$uv"' EXIT; \
	$(PYTHON) -m venv "$$uv"; \
	"$$uv/bin/python" $(PIP) install '$(UV)'; \
	compile() { "$$uv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-header --no-annotate $(if $(UPGRADE),--upgrade) "$$@" >/dev/null; }; \
	compile --output-file requirements.lock --extra page pyproject.toml; \
	compile --output-file requirements-dev.lock --extra page --group dev pyproject.toml; \
	compile --output-file requirements-image.lock --constraint requirements-dev.lock --group image; \
	echo "requirements.lock, requirements-dev.lock and requirements-image.lock are up to date"

# What the targets above need: the locked packages, then the project itself. A stamp is written
# last, so a set-up that was interrupted starts over; it holds the Python that the set-up used.

.venv/.locked: requirements-dev.lock
	@$(need-python)
	@echo "Setting up .venv with $$($(PYTHON) --version) and the packages of requirements-dev.lock: once, about a minute."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python $(PIP) install --require-hashes -r requirements-dev.lock
	@echo '$(PYTHON)' >$@

.venv/.installed: .venv/.locked pyproject.toml
	@$(BIN)/python $(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

# Naming another Python replaces the environment.
ifneq ($(origin PYTHON),file)
ifneq ($(PYTHON),$(shell cat .venv/.locked 2>/dev/null))
.PHONY: .venv/.locked
endif
endif

define need-python
command -v '$(PYTHON)' >/dev/null || { \
  echo '$(PYTHON) is not installed; Python 3.11 or newer is needed (on Debian: apt-get install python3 python3-venv),' >&2; \
  echo 'or name another one: make PYTHON=python3.13 ...' >&2; exit 1; }; \
'$(PYTHON)' -c 'import sys; sys.version_info >= (3, 11) or sys.exit( \
  "$(PYTHON) is Python %d.%d; 3.11 or newer is needed. Name another one: make PYTHON=python3.13 ..." % sys.version_info[:2])' || exit 1; \
'$(PYTHON)' -c 'import venv, ensurepip' 2>/dev/null || { \
  '$(PYTHON)' -c 'import sys; sys.stderr.write("$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: " \
    "apt-get install python%d.%d-venv\n" % sys.version_info[:2])'; exit 1; }
endef
