# Every command of the course. `make help` lists them.
# Needs Python 3.11 or newer and make; everything else goes into .venv.

PYTHON ?= python3
PORT ?= 8888
NB ?=
FORCE ?=
SEED ?= 1
NO_BROWSER ?=
UPGRADE ?=
FULL ?=

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed

# Installed is what was installed to the end, for this folder, by a Python that is still there.
ifneq ($(shell $(PY) -c "print('alive')" 2>/dev/null),alive)
$(shell rm -f $(STAMP))
else ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
$(shell rm -f $(STAMP))
endif

LESSON := $(if $(NB),$(shell printf '%02d' "$$(echo '$(NB)' | sed 's/^0*//')" 2>/dev/null))
NOTEBOOK := $(firstword $(wildcard notebooks/$(or $(LESSON),01)_*.ipynb))
NBVAL := --nbval --nbval-current-env --nbval-cell-timeout=300 \
	--nbval-sanitize-with=tests/nbval_sanitize.cfg -p tests.nbval_report

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help lab test test-notebooks test-browser mutants stability bench lint data notebooks mirror doctor lock lesson

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 24

lab: lesson $(STAMP) data ## open the course in JupyterLab (NB=02, PORT=8888, NO_BROWSER=1)
	@test "$$(id -u)" != 0 || echo "You are root, so JupyterLab is started with --allow-root."
	$(PY) -m jupyterlab --ServerApp.ip=127.0.0.1 --ServerApp.port=$(PORT) \
		--ServerApp.root_dir="$(CURDIR)" --LabApp.default_url=/lab/tree/$(or $(NOTEBOOK),notebooks) \
		--LabApp.extension_manager=readonly \
		--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
		$(if $(NO_BROWSER),--no-browser) $(if $(filter 0,$(shell id -u)),--allow-root)

test: lesson lint ## check everything that must hold (NB=02: one lesson)
	$(PY) -m pytest tests $(if $(LESSON),--lesson $(LESSON))
	@$(MAKE) --no-print-directory test-notebooks

test-notebooks: lesson $(STAMP) data ## run the notebooks and compare what they give with what is stored
	$(PY) -m pytest notebooks$(if $(LESSON),/$(LESSON)_*.ipynb) $(NBVAL)

test-browser: lesson $(STAMP) data ## open the lessons in Chromium and use them as a student does
	$(PY) -m pytest tests/browser $(if $(LESSON),--lesson $(LESSON))

mutants: lesson $(STAMP) data ## plant bugs, and see whether the tests notice (NB=02: in a lesson; SEED=2)
	$(PY) tools/mutate.py $(if $(LESSON),--lesson $(LESSON)) --seed $(SEED) $(NBVAL)

stability: lesson $(STAMP) data ## twenty runs of the notebooks, and the bounds they came near to
	$(PY) tools/stability.py $(if $(LESSON),--lesson $(LESSON)) $(NBVAL)

bench: $(STAMP) data ## time the trainings beside the straightforward ones (FULL=1: to their end)
	$(PY) tools/bench.py $(if $(FULL),--full)
	@$(MAKE) --no-print-directory test-notebooks NB=

lint: $(STAMP) ## check style and formatting
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

data: $(STAMP) ## put the data sets in order
	$(PY) -m course_utils.data

mirror: $(STAMP) ## serve the data sets to a class (PORT=8000)
	@$(PY) -m course_utils.mirror $(if $(filter file,$(origin PORT)),,$(PORT))

notebooks: lesson $(STAMP) data ## rebuild the notebooks from their sources (NB=02, FORCE=1)
	$(PY) tools/build_notebooks.py $(LESSON) $(if $(FORCE),--force)
	$(PY) tools/pictures.py

doctor: $(STAMP) ## is this machine ready for the course?
	@$(PY) -m course_utils

lock: $(STAMP) ## write requirements.txt anew from pyproject.toml (UPGRADE=1: newest versions)
	$(PY) -m uv pip compile --quiet --universal --generate-hashes --no-header \
		$(if $(UPGRADE),--upgrade) pyproject.toml --extra dev -o requirements.txt

lesson:
	@test -z "$(NB)" || test -n "$(wildcard notebooks/sources/$(LESSON)_*.py)" || \
		{ echo "There is no lesson NB=$(NB); there are: $(sort $(notdir $(wildcard notebooks/sources/*.py)))"; exit 1; }

# The stamp is written last, so that an install that was cut off is done again.
$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys' 2>/dev/null || \
		{ echo "There is no $(PYTHON) here. Install Python 3.11 or newer, or name it: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "The course needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name a newer one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) comes without venv. On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	@rm -f $@
	@echo "Installing into $(VENV), once: a few minutes, up to 6 GB (on Linux, PyTorch brings its GPU libraries)."
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(PY) -m pip install --disable-pip-version-check --require-hashes -r requirements.txt
	$(PY) -m pip install --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(PY) -m jupyter labextension disable "@jupyterlab/apputils-extension:announcements"
	@printf '%s\n' "$(CURDIR)" > $@
