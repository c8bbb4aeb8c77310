# make test, make test-all, make demo, make install; PYTHON=python3.11 chooses the interpreter, VENV= the place.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help install style test test-all demo

help:
	@echo "make install   $(VENV) with yolo_tf (editable) and the versions of constraints.txt"
	@echo "make test      style checks and the tests that take seconds"
	@echo "make test-all  the same and the long tests: learning, several processes, tutorial, fuzzing"
	@echo "make demo      data, training, evaluation, export and detection in ./demo, on a CPU"

install: $(INSTALLED)

$(INSTALLED): setup.py pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not installed; name a Python 3.10, 3.11 or 3.12: make install PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' || { echo "error: $(PYTHON) is $$($(PYTHON) -V 2>&1), TensorFlow 2.21 needs 3.10, 3.11 or 3.12: make install PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "error: $(PYTHON) has no venv module; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --constraint constraints.txt --editable '.[test]'
	touch $@

style: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

test: style
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'not long'

test-all: style
	$(BIN)/python -m pytest -n 2 --dist worksteal

demo: $(INSTALLED)
	scripts/demo.sh $(BIN)/python
