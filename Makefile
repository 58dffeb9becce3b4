# Everything a developer types. `make demo` and `make test` need Python >= 3.11 and nothing else.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/pytest

.PHONY: demo test check bench peers torture fuzz docs format clean

demo: .venv/.local  ## traces a made-up application into a store of its own, and shows who did what
	rm -rf .demo
	$(BIN)/trackway demo --dir .demo
	@printf '\nFrom this checkout: %s users --dir .demo\n' $(BIN)/trackway

test: .venv/.dev  ## the whole suite, on two processes
	$(PYTEST) -q -n 2 --dist worksteal

check: .venv/.dev  ## style, types, layers, docstrings, docs
	$(BIN)/ruff check && $(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/interrogate --quiet src/trackway/*.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet --site-dir site

torture: .venv/.dev  ## the same suite at full counts: hours
	TRACKWAY_TORTURE=1 $(PYTEST) -q -n 2 --timeout 0 tests

SECONDS ?= 300
TARGET ?= $(patsubst tests/fuzz/test_%.py,%,$(wildcard tests/fuzz/test_*.py))
fuzz: .venv/.fuzz  ## each target of tests/fuzz for SECONDS under atheris; one alone: make fuzz TARGET=redact SECONDS=60
	@set -e; for target in $(TARGET); do \
		echo "== $$target"; $(BIN)/python -m tests.fuzz.driver $$target -max_total_time=$(SECONDS); done

bench: .venv/.local  ## what tracing costs, beside peers in environments of their own: half an hour
	$(BIN)/python benchmarks/run.py

peers: .venv/.dev .bench/langfuse/.peer .bench/logfire/.peer  ## beside the real Langfuse SDK and Logfire
	$(PYTEST) -q tests/peers

docs: .venv/.dev  ## the documentation at http://127.0.0.1:8000
	$(BIN)/mkdocs serve

format: .venv/.dev
	$(BIN)/ruff check --fix-only && $(BIN)/ruff format

clean:
	rm -rf .venv .bench .demo .fuzz site dist build .*_cache .hypothesis

# Logfire runs in one process with us, so its environment has what we need.
.bench/%/.peer:
	test -x .bench/$*/bin/python || $(PYTHON) -m venv .bench/$*
	.bench/$*/bin/pip install --quiet --disable-pip-version-check $* orjson httpx platformdirs
	touch $@

.venv/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …" or 0)'
	$(PYTHON) -m venv .venv
	touch $@

# A stamp for each extra, so that nothing is installed twice until what is installed changes.
.venv/.local .venv/.dev: .venv/.%: .venv/.python pyproject.toml hatch_build.py src/native/kernels.c
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@

.venv/.fuzz: .venv/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check 'atheris>=3'
	touch $@
