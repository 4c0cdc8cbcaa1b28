# Every command of the course. `make help` lists them.
# Needs Python 3.11 or newer and make; everything else goes into .venv.

PYTHON ?= python3
PORT ?= 8888
NB ?=
FORCE ?=
TEXT ?=
NO_BROWSER ?=
UPGRADE ?=
FULL ?=
PYTHONS ?=
CLASS ?=
AS_ROOT ?=

VENV := .venv
PY := $(VENV)/bin/python
# NB=2, NB=02 and NB="2 8" are all understood.
LESSONS := $(foreach n,$(NB),$(if $(filter 1 2 3 4 5 6 7 8 9,$n),0$n,$n))
NOTEBOOK := $(firstword $(wildcard notebooks/$(or $(firstword $(LESSONS)),01)_*.ipynb))

# What a user has set for his own Python counts where he works, and not where lessons are tested.
ifeq (,$(filter lab doctor,$(MAKECMDGOALS)))
unexport MPLBACKEND $(filter-out PYTHON,$(filter PYTHON%,$(.VARIABLES)))
endif

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help lab renew fresh progress check test test-browser bench lint data notebooks site mirror wheels doctor lock clean lesson ready ready-dev

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 24

lab: lesson ready data ## open your copies of the lessons in JupyterLab (NB=02, PORT=8888, NO_BROWSER=1)
	@test "$$(id -u)" != 0 || echo "You are root, so JupyterLab is started with --allow-root."
	@$(PY) -E -m course_utils.copies
	@work="$$($(PY) -E -m course_utils.copies where)" && \
	if [ ! -w "$$HOME" ]; then \
		echo "Your home folder cannot be written, so what Jupyter keeps goes into build/settings."; \
		export JUPYTER_CONFIG_DIR="$$PWD/build/settings/jupyter" JUPYTER_DATA_DIR="$$PWD/build/settings/jupyter-data"; \
		export IPYTHONDIR="$$PWD/build/settings/ipython" MPLCONFIGDIR="$$PWD/build/settings/matplotlib"; \
	fi && \
	$(PY) -m jupyterlab --ServerApp.ip=127.0.0.1 --ServerApp.port=$(PORT) \
		--ServerApp.root_dir="$$work" --LabApp.default_url=/lab$(addprefix /tree/,$(notdir $(NOTEBOOK))) \
		--LabApp.extension_manager=readonly \
		--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate \
		$(if $(NO_BROWSER),--no-browser) $(if $(filter 0,$(shell id -u)),--allow-root)

renew: lesson ready ## your copy of a lesson made new, with your answers; the old one is kept (NB=03)
	@$(PY) -E -m course_utils.copies renew $(LESSONS)

fresh: lesson ready ## your copy of a lesson made new, without answers; the old one is kept (NB=03)
	@$(PY) -E -m course_utils.copies fresh $(LESSONS)

progress: lesson ready ## which exercises are solved? Yours, or those of a class (CLASS=folder, NB=02)
	@$(PY) -E -m course_utils.progress $(LESSONS) $(if $(CLASS),--class "$$CLASS") $(if $(AS_ROOT),--as-root)

check: lesson ready-dev data ## is what the lessons say true on this machine? (NB=02)
	$(PY) tools/check_notebooks.py $(LESSONS)

# Left to itself, --dist begins with the files of most tests, and those are not the longest.
test: lesson lint ## check everything that must hold (NB=02: one lesson)
	$(PY) -m pytest tests -n 2 --dist loadfile --no-loadscope-reorder -p no:nbval $(addprefix --lesson ,$(LESSONS))
	@$(MAKE) --no-print-directory check

test-browser: lesson ready-dev data ## open the lessons in Chromium and use them as a student does
	$(PY) -m pytest tests/browser $(addprefix --lesson ,$(LESSONS))

bench: ready-dev data ## time the trainings beside the straightforward ones (FULL=1: to their end)
	PYTHONPATH=tools $(PY) -m pytest benchmarks --quiet
	PYTHONPATH=tools $(PY) benchmarks/bench.py $(if $(FULL),--full)

lint: ready-dev ## check style, formatting, types and schemas
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m check_jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(PY) -m check_jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[0-9]*.yml
	$(PY) -m check_jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(PY) -m check_jsonschema --builtin-schema vendor.citation-file-format CITATION.cff

data: ready ## put the data sets in order
	$(PY) -E -m course_utils.data

wheels: ready ## download the packages once, for a class with this system (PYTHONS="3.12 3.13")
	$(PY) tools/wheels.py $(PYTHONS)

mirror: ready ## serve the data sets, and the packages of make wheels, to a class (PORT=8000)
	@$(PY) -m course_utils.data.mirror $(if $(filter file,$(origin PORT)),,$(PORT))

notebooks: lesson ready-dev data ## rebuild the notebooks from their sources (NB=02, FORCE=1, TEXT=1: run nothing)
	$(PY) tools/build_notebooks.py $(LESSONS) $(if $(FORCE),--force) $(if $(TEXT),--text)
	$(PY) tools/pictures.py

site: ready-dev ## make a website of the stored lessons and docs/, in build/site
	$(PY) tools/build_site.py

doctor: ## is this machine ready for the course? (before an install, too)
	@$(if $(wildcard $(PY)),$(PY),$(PYTHON)) -m course_utils.doctor

# What the student's lock file holds already is left out of the developers'.
LOCK := $(PY) -m uv pip compile --quiet --universal --generate-hashes --no-header pyproject.toml --extra install
lock: ready-dev ## write both lock files anew from pyproject.toml (UPGRADE=1: newest versions)
	$(LOCK) $(if $(UPGRADE),--upgrade) -o requirements.txt
	$(LOCK) --extra dev -c requirements.txt $(if $(UPGRADE),--upgrade) -o requirements-dev.txt \
		$$(sed -n 's/^\([a-z0-9._-]*\)==.*/--no-emit-package \1/p' requirements.txt)

lesson:
	@for n in $(LESSONS); do ls notebooks/sources/$${n}_*.py >/dev/null 2>&1 || { \
		echo "There is no lesson NB=$$n; there are: $(sort $(foreach f,$(notdir $(wildcard notebooks/sources/*.py)),$(firstword $(subst _, ,$f))))"; exit 1; }; done

# What is complete is not looked at again: a second call takes a moment.
ready ready-dev:
	@$(PYTHON) -c '' 2>/dev/null || { \
		echo "There is no $(PYTHON) here. Install Python 3.11 to 3.14, or name one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -E tools/install.py $(if $(filter ready-dev,$@),--dev)

clean: ## remove the environment and what was made (your work, data and results stay)
	rm -rf .venv .venv.lock build test-artefacts course_utils.egg-info

.DEFAULT:
	@echo "There is no target '$@'; make help lists what there is."; exit 1
