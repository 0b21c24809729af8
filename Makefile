# Needs Python >= 3.11 (with venv and pip) and make. Everything else goes into .venv, in the versions of requirements/*.txt.
#   make demo   an RF application on the emulated bench, end to end        make test   every check there is
#   make bench  measured figures against their floors                     make lint   style, types, imports
#   make interop  other people's clients against our emulators            make lock   renew requirements/*.txt

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip --disable-pip-version-check
INTEROP := .venv-interop

.DEFAULT_GOAL := help
.PHONY: help demo test bench lint interop lock setup setup-dev clean
.DELETE_ON_ERROR:

help:
	@sed -n '2,4s/^# *//p' Makefile

demo: setup
	@$(VENV)/bin/ablate demo $(ARGS)

# Every part runs and prints; one that failed fails the whole. pytest comes last, so its closing line is the last.
test: setup-dev
	@failed=0; \
	$(MAKE) --no-print-directory lint || { failed=1; echo '== lint failed, see above; the tests follow'; }; \
	$(PY) -m pytest $(ARGS) || failed=1; \
	exit $$failed

lint: setup-dev
	@failed=0; \
	echo '== ruff';         $(VENV)/bin/ruff check . || failed=1; \
	echo '== mypy';         $(VENV)/bin/mypy || failed=1; \
	echo '== import-linter'; $(VENV)/bin/lint-imports --no-logo || failed=1; \
	exit $$failed

bench: setup-dev
	@failed=0; for file in benchmarks/[a-z]*.py; do \
	  name=$$(basename $$file .py); echo "== $$name"; $(PY) -m benchmarks.$$name $(ARGS) || failed=1; \
	done; exit $$failed

interop: setup-dev $(INTEROP)/.installed
	@INTEROP_PYTHON=$(CURDIR)/$(INTEROP)/bin/python $(PY) -m pytest tests/interop $(ARGS)

# ---- set-up: each stamp is renewed when what it stands on has changed

setup: $(VENV)/.warm
setup-dev: $(VENV)/.dev $(VENV)/.warm

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'make: Openablate needs Python >= 3.11, $(PYTHON) is older; name another: make PYTHON=/path/to/python3' >&2; exit 1; }
	@echo 'Setting up $(VENV): some minutes, once'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements/run.txt pyproject.toml | $(PY)
	@$(PIP) install --quiet --requirement requirements/run.txt
	@$(PIP) install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.installed
	@$(PIP) install --quiet --requirement requirements/dev.txt
	@touch $@

# numba's kernels are compiled and cached here, so that nobody waits for them later
$(VENV)/.warm: $(VENV)/.installed $(wildcard sim/world/*.py)
	@$(PY) -m sim.world.warm
	@touch $@

$(INTEROP)/.installed: requirements/interop.txt
	@$(PYTHON) -m venv $(INTEROP)
	@$(INTEROP)/bin/python -m pip --disable-pip-version-check install --quiet --requirement requirements/interop.txt
	@touch $@

# ---- exact versions for every Python >= 3.11; no registry's name is written

LOCK = $(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-emit-package openablate --custom-compile-command 'make lock'
lock: | $(PY)
	@$(PIP) install --quiet uv
	@$(LOCK) pyproject.toml --extra dev requirements/build.in --output-file requirements/dev.txt
	@$(LOCK) pyproject.toml --extra mqtt --extra report requirements/build.in --constraint requirements/dev.txt --output-file requirements/run.txt
	@$(LOCK) requirements/interop.in --output-file requirements/interop.txt
	@git diff --stat -- requirements || true

clean:
	@rm -rf $(VENV) $(INTEROP) build dist
