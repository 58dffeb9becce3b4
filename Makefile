# Everything a developer types. `make demo` and `make test` need Python >= 3.11 and nothing else.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/pytest

# What does the same with the compiled kernels and without (docs/internals.md): rooms, and of other rooms single files.
COMPARED := $(wildcard tests/_prices/*_compiled.py tests/_integrations/*_compiled.py tests/_integrations/*/*_compiled.py)
TWINS := tests/_core tests/_wire tests/_delivery $(COMPARED) $(COMPARED:_compiled.py=.py)

.PHONY: demo test pure check bench peers-bench matrix peers conformance torture leaks fuzz sanitize docs format clean

demo: .venv/.local  ## traces a made-up application into a store of its own, and shows who did what
	rm -rf .demo
	$(BIN)/trackway demo --dir .demo
	@printf '\nFrom this checkout: %s users --dir .demo\n' $(BIN)/trackway

test: pure  ## the whole suite, on two processes; first what has compiled twins, in pure Python
	$(PYTEST) -q -n 2 --dist worksteal

pure: .venv/.dev  ## the rooms that have kernels, without them
	PYTHONPATH=$(CURDIR)/tests/pure $(PYTEST) -q -n 2 --dist worksteal $(TWINS)

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

sanitize: .venv/.dev  ## the same rooms, with the kernels under AddressSanitizer and UBSan (gcc on Linux)
	rm -rf .sanitize && cp -R src .sanitize && rm -f .sanitize/trackway/_native.*
	$(CC) -g -O1 -fPIC -shared -Wall -Wextra -Wconversion -Wno-missing-field-initializers -Werror \
		-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer \
		-isystem $(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))') src/native/kernels.c \
		-o .sanitize/trackway/_native$(shell $(BIN)/python -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
	LD_PRELOAD="$(shell $(CC) -print-file-name=libasan.so) $(shell $(CC) -print-file-name=libubsan.so)" \
		PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 PYTHONPATH=$(CURDIR)/.sanitize \
		$(PYTEST) -q -n 2 --dist worksteal $(TWINS)

bench: .venv/.local  ## what tracing costs, beside peers in environments of their own: half an hour
	$(BIN)/python benchmarks/run.py

peers-bench: .venv/.local  ## beside the rest of the field, and how costs grow, into tables and a picture: half an hour
	$(BIN)/python benchmarks/field.py

peers: .venv/.dev .bench/langfuse/.peer .bench/logfire/.peer  ## beside the real Langfuse SDK and Logfire
	$(PYTEST) -q tests/peers

MAJORS := 1 2 3
matrix: $(MAJORS:%=.matrix/%/.ready)  ## each major release of the OpenAI SDK, in an environment of its own
	@set -e; for major in $(MAJORS); do echo "== openai $$major"; \
		.matrix/$$major/bin/python -m pytest -q -p no:cacheprovider tests/_integrations \
		--ignore tests/_integrations/anthropic --ignore tests/_integrations/langchain; done

TESTS ?= tests
leaks: .venv/.dev  ## the suite with secrets planted in every observation and debug logging on; then all files are searched
	rm -rf .leaks && mkdir -p .leaks/home
	-LEAKS=$(CURDIR)/.leaks HOME=$(CURDIR)/.leaks/home PYTHONPATH=$(CURDIR)/tests/leaks/planting \
		$(BIN)/python -m pytest -q -n 2 --dist worksteal -p tests.leaks.plugin --basetemp=.leaks/tmp \
		-o tmp_path_retention_policy=all --log-level=DEBUG --tb=no --timeout 600 $(TESTS)
	$(BIN)/python -m tests.leaks.scan .leaks

LIBRARIES := llama_index litellm pydantic_ai openai_agents
conformance: .venv/.dev  ## real Phoenix and MLflow, and libraries that others instrument, in environments of their own (3 GB)
	$(BIN)/python tests/conformance/environments.py phoenix mlflow $(LIBRARIES)
	$(PYTEST) -q -rs --conformance tests/conformance

docs: .venv/.dev  ## the documentation at http://127.0.0.1:8000
	$(BIN)/mkdocs serve

format: .venv/.dev
	$(BIN)/ruff check --fix-only && $(BIN)/ruff format

clean:
	rm -rf .venv .bench .conformance .matrix .demo .fuzz .leaks .sanitize site dist build .*_cache .hypothesis

# Logfire runs in one process with us, so its environment has what we need.
.bench/%/.peer:
	test -x .bench/$*/bin/python || $(PYTHON) -m venv .bench/$*
	.bench/$*/bin/pip install --quiet --disable-pip-version-check $* openai orjson httpx platformdirs
	touch $@

.matrix/%/.ready: pyproject.toml
	test -x .matrix/$*/bin/python || $(PYTHON) -m venv .matrix/$*
	.matrix/$*/bin/pip install --quiet --disable-pip-version-check --editable '.[prices]' 'openai>=$*,<$(shell expr $* + 1)' \
		hypothesis opentelemetry-proto pytest pytest-randomly pytest-timeout
	touch $@

.venv/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …" or 0)'
	$(PYTHON) -m venv .venv
	touch $@

# A stamp for each extra, so that nothing is installed twice until what is installed changes.
.venv/.local .venv/.dev: .venv/.%: .venv/.python pyproject.toml hatch_build.py $(wildcard src/native/*)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[$*]'
	touch $@

.venv/.fuzz: .venv/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check 'atheris>=3'
	touch $@
