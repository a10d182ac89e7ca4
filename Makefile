# Every target sets up what it needs. A fresh machine needs Python 3.11 or newer, its venv module, and make.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Tests that read the code and run none of it.
CHECKS := $(addprefix tests/test_,architecture.py conventions.py front_door.py text.py words.py)
# Scripts are type-checked as soon as there are any; mypy refuses an empty folder.
SCRIPTS := $(sort $(dir $(wildcard benchmarks/*.py examples/*.py)))

.PHONY: help setup run test test-quick campaigns check bench bench-limits torture autobahn types page pins clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'More options: make run ARGS="--port 9000"; make test ARGS="-k quests -x"; PYTHON=python3.12 make test'

setup: $(READY) ## install everything into .venv (the other targets do this by themselves)

# exec: the server is make's own child and gets SIGTERM itself; Ctrl-C reaches it from the terminal.
run: $(READY) ## start the server (Ctrl-C stops it cleanly)
	@exec $(BIN)/questkeep serve $(ARGS)

test: $(READY) ## run the tests
	@exec $(BIN)/python -m pytest $(ARGS)

test-quick: $(READY) ## the tests that start no Ray, kill no process and open no browser: under 90 seconds
	@exec $(BIN)/python -m pytest -m 'not ray and not kills and not slow and not campaign' $(ARGS)

campaigns: $(READY) ## the long forms of tests: every conformance case in Node and Chromium, more seeds
	@exec $(BIN)/python -m pytest -m campaign $(ARGS)

check: $(READY) ## style, types, architecture, names and words, in under a minute
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy domain persistence actors gateway designer cli questkeep_handles questkeep_testing questkeep_launcher.py $(SCRIPTS)
	@cd clients/python && ../../$(BIN)/mypy --strict --no-incremental questkeep_client
	@$(BIN)/python -m pytest -q $(CHECKS)

bench: $(READY) ## measure throughput and latency
	@exec $(BIN)/python -m benchmarks $(ARGS)

bench-limits: $(READY) ## memory of a user, overload, one hot user, one host and two, growth (40 minutes)
	@for one in user_memory overload hot_user scaling flatness; do $(BIN)/python -m benchmarks.$$one || exit 1; done

torture: $(READY) ## kill the server again and again under load; nothing acknowledged may be lost
	@exec $(BIN)/python -m tests.torture $(ARGS)

autobahn: $(READY) ## Autobahn's WebSocket cases, where a Python 2.7 is installed (a minute)
	@exec $(BIN)/python -m tests.gateway.live.autobahn_child

types: $(READY) ## generate the clients' types from the API's description anew
	@exec $(BIN)/python -m tests.generated_types.rewrite_child

page: $(READY) ## take what /play is built on (npm packages, the TypeScript client) anew
	@exec $(BIN)/python -m tests.gateway.play.vendor_child

pins: ## write constraints.txt anew from the newest packages that pyproject.toml allows
	@rm -rf .venv-pins && $(PYTHON) -m venv .venv-pins
	@.venv-pins/bin/python -m pip install -q --disable-pip-version-check '.[dev]'
	@{ sed '/^[^#]/d' constraints.txt; \
	   .venv-pins/bin/python -m pip freeze | grep == | sort -f; } > constraints.new
	@mv constraints.new constraints.txt && rm -rf .venv-pins build

clean: ## remove .venv and everything that was built (never the data)
	@rm -rf .venv .venv-pins .tools build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An interrupted set-up leaves no .ready and is picked up again; a broken .venv is made anew.
$(READY): pyproject.toml constraints.txt clients/python/pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo 'Questkeep needs Python 3.11 or newer. On Debian or Ubuntu: apt-get install python3 python3-venv' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Questkeep needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Name another: PYTHON=python3.12 make" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo 'Installing the pinned packages into .venv (the first time takes a minute or two) ...' >&2
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]' -e clients/python
	@touch $@
