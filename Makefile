# Every target makes its own .venv first; nothing has to be installed by hand but Python >= 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

.PHONY: help demo test quick check format bench clean
help:
	@echo "make demo    the whole product on one machine, no key, no network (about 5 minutes)"
	@echo "make test    the test suite          make quick   the same without the slow tests"
	@echo "make check   format, lint, types, import directions"
	@echo "make bench   the measured claims (some hours; each script in benchmarks/ runs alone too)"

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python >= 3.11 is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(STAMP): $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[hyperopt,plot]'
	@touch $@

$(DEV_STAMP): $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(STAMP)

demo: $(STAMP)
	$(BIN)/mm demo

# Most tests wait for programs that they start: four at a time keep two processors busy. tests/conftest.py orders the files.
PYTEST := $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

test: $(DEV_STAMP)
	$(PYTEST)

quick: $(DEV_STAMP)
	$(PYTEST) -m 'not slow'

check: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(DEV_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# every_variant_candles.py needs a folder of candles; the rest make their own markets.
BENCHMARKS := $(filter-out benchmarks/every_variant_candles.py, $(wildcard benchmarks/*.py))
bench: $(DEV_STAMP)
	@for script in $(BENCHMARKS); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV)
