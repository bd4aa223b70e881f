# `make` alone shows what there is. PYTHON=python3.13 chooses another interpreter.

PYTHON ?=
WORKERS ?=

python := .venv/bin/python
packaging := setup.cfg pyproject.toml constraints.txt

# Compiled modules stay for the next program and the next run, whatever the machine has set.
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.PHONY: help run test test-fast test-compiled test-long fuzz bench guessing docs catalogues picture deb check debian-packages compiled clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 18

run: .venv/to-run  ## start a RADIUS server and a tablet with a visitor to try; PORT=1812 WEB_PORT=8080
	@exec $(python) -m nexio_cli.commands.demo $(if $(PORT),--port $(PORT)) $(if $(WEB_PORT),--web-port $(WEB_PORT))

test: .venv/to-develop debian-packages  ## run the tests
	@WORKERS=$(WORKERS) .ci/test

test-fast: .venv/to-develop  ## run the tests that need no other program and no store on disk
	@$(python) -m pytest --numprocesses $(or $(WORKERS),2) --dist worksteal -m fast

test-compiled: .venv/to-develop debian-packages compiled  ## run the tests of RADIUS with the compiled modules
	@.ci/test-compiled

test-long: .venv/to-develop debian-packages  ## run the tests that take minutes and much memory
	@$(python) -m pytest -m long -o faulthandler_timeout=3600

fuzz: .venv/to-develop  ## send a million broken packets to the server; SECONDS=60 ends it earlier
	@$(python) -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS))

bench: .venv/to-develop debian-packages compiled  ## measure against other servers; SHORT=1 takes two minutes
	@.venv/compiled/bin/python -m benchmarks $(if $(SHORT),--short) $(if $(JSON),--json $(JSON))

guessing: .venv/to-develop  ## how likely guessing is to succeed, for every size of location
	@$(python) -m benchmarks.bench_guessing

docs: .venv/to-develop  ## write the parts of docs/ that are derived from code and tests
	@$(python) -m docs.generate

catalogues: .venv/to-develop  ## write new texts into the catalogues of other languages
	@$(python) -m docs.catalogues

picture: .venv/to-develop  ## draw the terminal of README.md, and the pages in docs/
	@$(python) docs/picture.py
	@$(python) docs/tablet.py

deb:  ## build the Debian package in dist/; takes minutes
	@.ci/debian-package

check: .venv/to-develop  ## lint, format, types, imports, drift of the schema and of the docs
	$(python) -m ruff check
	$(python) -m ruff format --check
	$(python) -m mypy
	.venv/bin/lint-imports
	.ci/alembic-check
	$(python) -m docs.generate --check

clean:  ## remove what these targets made
	rm -rf .venv .demo .first-day build dist *.egg-info
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

debian-packages:
	@.ci/debian-packages $$(sed 's/#.*//' .ci/apt-packages)
	@.ci/debian-raddb >/dev/null

compiled: .venv/to-develop
	@.ci/compiled

# Another interpreter than the one that .venv was made with: make it anew.
ifneq ($(PYTHON),)
ifneq ($(shell test -x $(python) && $(python) -V 2>&1),$(shell $(PYTHON) -V 2>&1))
.PHONY: .venv/to-run .venv/to-develop
endif
endif

.venv/to-run: $(packaging)
	@PYTHON=$(PYTHON) .ci/virtualenv
	@touch $@

.venv/to-develop: $(packaging)
	@PYTHON=$(PYTHON) .ci/virtualenv test,check
	@touch $@ .venv/to-run
