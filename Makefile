# Every command here does all of its own set-up; a second run finds it done.

.DEFAULT_GOAL := help
.PHONY: help run test test-system check bench cost growth budgets soak wheel screenshots types lock clean
.SUFFIXES:

VENV := .venv
BIN := $(VENV)/bin
# One interpreter by name or path: make test PYTHON=python3.12. Without it, the first that is new enough.
PYTHON ?=
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)
# Passed on: make run ARGS="--port 9000", make test ARGS="-k stream", make lock ARGS=--upgrade
ARGS ?=

PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

# Whether .venv is whole and ours: not half-made, not moved or copied from elsewhere, its Python still there.
ALIVE := grep -qsF "$(CURDIR)/$(VENV)/bin/python" $(BIN)/pip && $(BIN)/python -c '' 2>/dev/null
$(shell { $(ALIVE); } || rm -f $(VENV)/.made $(VENV)/.run $(VENV)/.test)

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

# `exec` leaves no shell between make and the hub, so Ctrl+C reaches it once and make ends as it ends.
run: $(VENV)/.run ## start a hub on this machine (ARGS="--port 9000")
	@exec $(BIN)/hubctl run $(ARGS)

test: $(VENV)/.test ## run all tests (ARGS="-k stream")
	@sh tests/system-packages.sh $(BIN)/python
	@$(MAKE) --silent tests/node/node_modules/.made
	@exec $(BIN)/python -m pytest $(ARGS)

test-system: $(VENV)/.test ## install the hub on a booted Debian 12 (root; ARGS="-k reboot", HUB_TEST_RELEASE=trixie or noble)
	@sh tests/system/packages.sh
	@HUB_TEST_SYSTEM=1 exec $(BIN)/python -m pytest tests/system $(ARGS)

check: $(VENV)/.test ## lint, format, types, known advisories
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tests/advisories.py

bench: $(VENV)/.test ## the hub beside nchan and a C loop (ARGS="--seconds 5 --rounds 3")
	@exec $(BIN)/python -m tests.load.compare $(ARGS)

cost: $(VENV)/.test ## processor time of a stored message beside a bare handler's, on a busy machine too
	@exec $(BIN)/python -m tests.load.cost $(ARGS)

growth: $(VENV)/.test ## a million messages, a thousand channels (ARGS="--messages 100000")
	@exec $(BIN)/python -m tests.load.growth $(ARGS)

budgets: $(VENV)/.test ## what the page costs in a browser, beside its goals (ARGS="--seconds 20 --only flood load")
	@sh tests/system-packages.sh $(BIN)/python
	@exec $(BIN)/python -m tests.browser.budgets $(ARGS)

soak: $(VENV)/.test ## 200 kills, a minute of two hubs with one cut off, an hour of load (ARGS="--kills 20 --minutes 3")
	@exec $(BIN)/python -m tests.load.soak $(ARGS)

wheel: $(VENV)/.run ## build dist/openclaw_hub-VERSION-py3-none-any.whl, to be installed by deploy/install.sh
	@$(BIN)/hatchling build -t wheel

screenshots: $(VENV)/.test ## take the pictures of the documentation again
	@sh tests/system-packages.sh $(BIN)/python
	$(BIN)/python docs/screenshots.py

types: $(VENV)/.run ## make docs/events.d.ts from the event types again
	$(BIN)/python -m server.web.typescript >docs/events.d.ts

lock: $(VENV)/.test ## resolve the dependencies again (ARGS=--upgrade for newer ones)
	$(COMPILE) pyproject.toml $(ARGS) -o deploy/requirements.lock
	$(COMPILE) pyproject.toml --group dev -c deploy/requirements.lock $(ARGS) -o tests/requirements.lock
	$(COMPILE) --group build -c tests/requirements.lock $(ARGS) -o tests/build.lock

clean: ## remove what these commands made
	rm -rf $(VENV) tests/node/node_modules build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@for python in $(CANDIDATES); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && found=$$python && break; \
	done; \
	if [ -z "$$found" ]; then \
		echo "Python 3.11 or newer is needed, and none of these is: $(CANDIDATES)" >&2; exit 1; fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
		echo "$$found lacks its venv module: install python3-venv" >&2; exit 1; fi; \
	if [ -L $(VENV) ]; then \
		echo "$(VENV) is a link, and what it leads to would be cleared: remove the link" >&2; exit 1; fi; \
	{ $(ALIVE); } || { \
		echo "making $(VENV) with $$found" && "$$found" -m venv --clear $(VENV); } && touch $@

$(VENV)/.run: $(VENV)/.made deploy/requirements.lock tests/build.lock pyproject.toml
	@echo "installing the locked dependencies"
	@$(PIP) --require-hashes -r deploy/requirements.lock -r tests/build.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

tests/node/node_modules/.made: tests/node/package-lock.json
	@echo "installing the programs in tests/node"
	@npm ci --silent --prefix tests/node
	@touch $@

$(VENV)/.test: $(VENV)/.run tests/requirements.lock
	@echo "installing the locked tools for tests"
	@$(PIP) --require-hashes -r tests/requirements.lock
	@touch $@
