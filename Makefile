# Needs Python >= 3.11 (with venv and pip) and make. Everything else goes into .venv, in the versions of requirements/*.txt.
#   make demo   an RF application on the emulated bench, end to end        make test   every check there is
#   make docs   docs/ as a site in build/site; needs no network to read
#   make bench  measured figures against their floors                     make lint   style, types, imports
#   make interop  other people's clients and simulators on our wires      make lock   renew requirements/*.txt
#   make validate  published burns against the simulated tissue, also with the controller in the loop; writes docs/validation.md
#   make laws   every law on 200 drawn scenes with the whole stack; goes on where it stopped; writes docs/laws.md
#   make rehearse  every shipped protocol, full length, on its bench of examples/benches
#   make fuzz   a million mutated replies into every codec
#   make evidence  what the safety case stands on: the tests that the hazard table names; writes docs/safety-case.html
#   make explore  ten million transitions of the shipped kernel, and its properties with a hundred times the examples
#   make mutants  every line of safety, watchdog and codecs changed: a test must say so; goes on where it stopped
#   make trials  processes killed and stopped under power, and what they stand on taken away, 500 times each
#   make coverage  which lines and branches of safety its tests do not reach
#   make soak  72 hours of virtual time, an application and a benign fault every ten minutes; nothing may grow
#   make stamina  an hour by the clock on pseudo-terminals with real processes; nothing may grow
#   make scale  what devices, ticks, hours, benches and workers cost, as data and curves
#   make endurance  records and MQTT under random kills, cuts and changed bytes; fifty benches on one broker
#   make replay  every shipped protocol recorded to its end and decided again from its record
#   make bench-peers  the tissue solver against scikit-fem, py-pde and, where the system has it, dolfinx; queries and
#                     emulators against pyvisa-py, PyMeasure, QCoDeS, ophyd-async, lewis and tickit

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip --disable-pip-version-check
INTEROP := .venv-interop
PEERS  := .venv-peers

.DEFAULT_GOAL := help
.PHONY: help docs coverage endurance evidence explore replay scale soak stamina mutants trials fuzz demo test bench bench-peers validate laws rehearse lint interop lock setup setup-dev clean
.DELETE_ON_ERROR:

help:
	@sed -n '2,21s/^# \{0,3\}//p' Makefile

demo: $(VENV)/.warm-needle
	@$(VENV)/bin/ablate demo $(ARGS)

# Every part runs and prints; one that failed fails the whole. pytest comes last, so its closing line is the last. What is
# judged by the wall clock runs in one process, the rest beside it at low priority (tests/conftest.py); where few of those
# failed and nothing else, they are named and run once more, alone (tests/__main__.py).
test: setup-dev
	@failed=0; \
	$(MAKE) --no-print-directory lint || { failed=1; echo '== lint failed, see above; the tests follow'; }; \
	$(PY) -m tests $(ARGS) || failed=1; \
	exit $$failed

lint: setup-dev
	@failed=0; \
	echo '== ruff';         $(VENV)/bin/ruff check . || failed=1; \
	echo '== mypy';         $(VENV)/bin/mypy || failed=1; \
	echo '== import-linter'; $(VENV)/bin/lint-imports --no-logo || failed=1; \
	exit $$failed

# An hour on a quiet machine; ARGS=--quick for a first look, ARGS='--only tick' for one.
# What was measured becomes a page by: python -m benchmarks --page docs/performance.md
bench: setup-dev
	@$(PY) -m benchmarks $(ARGS)

bench-peers: setup $(PEERS)/.installed
	@$(PEERS)/bin/python -m benchmarks --only peers_world --only peers_queries $(ARGS)

scale: setup-dev
	@$(PY) -m benchmarks.scale $(ARGS)

stamina: setup-dev
	@$(PY) -m tests.soak.wall --minutes $(or $(MINUTES),60) $(ARGS)

validate: setup
	@$(PY) -m sim.validation $(ARGS)

rehearse: setup-dev
	@$(PY) -m tests.rehearsal $(ARGS)

# Half an hour or more on two quiet cores. ARGS='--minutes 10' for a part, ARGS='--fresh' after a change of the laws' code.
laws: setup
	@$(PY) -m sim.trials $(ARGS)

# Some hours. TRIALS=50 for a first look, ARGS='-k gil' for one kind; writes build/evidence/processes.json.
trials: setup-dev
	@TRIALS=$(or $(TRIALS),500) $(PY) -m tests.evidence.trials $(ARGS)

# Half an hour and more of one core, less where it was run before. ARGS='--module safety.gate' for one, ARGS=--fresh for all.
# A verdict of every mutant but those of tests/mutation/equivalents*.toml is "killed"; writes build/evidence/mutation.json.
mutants: setup-dev
	@$(PY) -m tests.mutation $(ARGS)

# Minutes. ARGS=--quick without the trials of real processes. The campaign, an hour or two:
# ablate campaign --full --nominal 10000 --out build/evidence/campaign, with --anew for the first time after a change of the program
# With CLOCK_MAY_JUMP=1 before it also the test that sets this machine's clock (as root; H30), which is skipped otherwise.
evidence: setup-dev
	@failed=0; $(PY) -m tests.evidence $(ARGS) || failed=1; $(VENV)/bin/ablate safety-case || failed=1; exit $$failed

# A quarter of an hour of one core; writes build/evidence/exploration.json.
explore: setup-dev
	@failed=0; $(PY) -m tests.safety.explore || failed=1; \
	HYPOTHESIS_PROFILE=nightly $(PY) -m pytest tests/safety/properties -k test_i --timeout 7200 $(ARGS) || failed=1; exit $$failed

coverage: setup-dev
	@$(PY) -m tests.safety.coverage $(ARGS)

# HOURS=8 for a first look.
soak: setup-dev
	@$(PY) -m tests.soak --hours $(or $(HOURS),72) $(ARGS)

# An hour, the most of it by the clock.
endurance: setup-dev
	@failed=0; \
	$(PY) -m tests.records.flips || failed=1; \
	$(PY) -m tests.records.crashes || failed=1; \
	$(PY) -m tests.mqtt.endurance --minutes 10 || failed=1; \
	$(PY) -m tests.mqtt.endurance --benches 50 || failed=1; \
	$(PY) -m tests.collect.rate --benches 50 --seconds 600 --rate-hz 25 || failed=1; \
	$(PY) -m tests.collect.endurance --benches 50 --minutes 10 || failed=1; \
	exit $$failed

replay: setup-dev
	@$(PY) -m tests.replay $(ARGS)

docs: setup-dev
	@$(PY) -m tests.docs.reference
	@$(PY) -m tests.docs.site

interop: setup-dev $(INTEROP)/.installed
	@INTEROP_PYTHON=$(CURDIR)/$(INTEROP)/bin/python $(PY) -m pytest tests/interop $(ARGS)

# ---- set-up: each stamp is renewed when what it stands on has changed

# A million mutated replies into every codec, on all cores: about 8 minutes of one. FUZZ=100000 for a first look. Guided by
# coverage, one parser at a time: python -m tests.fuzz.codecs --atheris PARSER (pip install atheris).
fuzz: setup-dev
	@$(PY) -m tests.fuzz.codecs --inputs $(or $(FUZZ),1000000) $(ARGS)

setup: $(VENV)/.warm
setup-dev: $(VENV)/.dev $(VENV)/.warm

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'make: Openablate needs Python >= 3.11, $(PYTHON) is older; name another: make PYTHON=/path/to/python3' >&2; exit 1; }
	@echo 'Setting up $(VENV): some minutes, once'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements/run.txt pyproject.toml | $(PY)
	@echo 'Installing packages: a minute or more'
	@$(PIP) install --quiet --requirement requirements/run.txt
	@$(PIP) install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.installed
	@$(PIP) install --quiet --requirement requirements/dev.txt
	@touch $@

# numba's kernels are compiled and cached here, so that nobody waits for them later
$(VENV)/.warm: $(VENV)/.installed $(wildcard sim/world/*.py)
	@$(PY) -m sim.world.warm
	@touch $@ $(VENV)/.warm-needle

# the demonstration waits for no other
$(VENV)/.warm-needle: $(VENV)/.installed $(wildcard sim/world/*.py)
	@$(PY) -m sim.world.warm needle
	@touch $@

# interop.txt is complete, and interop-bare.txt means to go without: nothing is looked up
$(INTEROP)/.installed: requirements/interop.txt requirements/interop-bare.txt
	@$(PYTHON) -m venv --clear $(INTEROP)
	@$(INTEROP)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps $(patsubst %,--requirement %,$^)
	@touch $@

$(PEERS)/.installed: requirements/peers.txt
	@$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip --disable-pip-version-check install --quiet --requirement requirements/peers.txt
	@touch $@

# ---- exact versions for every Python >= 3.11; no registry's name is written

LOCK = $(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-emit-package openablate --custom-compile-command 'make lock'
lock: | $(PY)
	@$(PIP) install --quiet uv
	@$(LOCK) pyproject.toml --extra dev requirements/build.in --output-file requirements/dev.txt
	@$(LOCK) pyproject.toml --extra collect --extra export --extra fast --extra modbus --extra mqtt --extra panel --extra report --extra visa --extra watch requirements/build.in --constraint requirements/dev.txt --output-file requirements/run.txt
	@$(LOCK) requirements/interop.in --output-file requirements/interop.txt
	@$(LOCK) requirements/peers.in --constraint requirements/dev.txt --output-file requirements/peers.txt
	@git diff --stat -- requirements || true

clean:
	@rm -rf $(VENV) $(INTEROP) $(PEERS) build dist
