# What the Makefiles of this repository share: uv, virtual environments, npm's packages, steps.
#
# Before it includes this file, a Makefile sets ROOT, the way to the checkout, and HERE, the way back.
# Files that a target makes are stamped, so that a second run does only what changed.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
            $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; \
          done; echo python3)
OPS_STAGE := $(or $(STAGE),local)
STAGE     ?= dev
export VERBOSE NODE PORT
# the big CDK modules are compiled once, not at every synthesis
unexport PYTHONDONTWRITEBYTECODE

TOOLS := $(ROOT)/.tools/.ready
VENV  := $(ROOT)/$(HERE)/.venv/.ready
INFRA := $(ROOT)/infra/.venv/.ready
LOCAL := $(ROOT)/tools/.venv/.ready
CDK   := $(ROOT)/infra/node_modules/.package-lock.json
LOCK  := tools/build/build.lock
# a step runs a command at the root, or in this folder; the folder's own programs come first
RUN   := cd $(ROOT) && .tools/bin/python -m tools.build.step
STEP  := $(RUN) --in $(HERE)
# of a target that is a file: the step touches it, and is left out if another make has made it
MAKES  = --makes $(HERE) '$@ $^'
UV    := UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 uv
SYNC   = $(UV) venv -q --clear --python .tools/bin/python $*/.venv && $(UV) pip sync -q \
           --python $*/.venv --require-hashes --find-links services/shared-contracts/releases $*/$(<F)

MAKEFLAGS += --no-builtin-rules --no-print-directory --silent
ifeq ($(MAKELEVEL),0) # a make that another one calls shares its jobs
MAKEFLAGS += --jobs=2
endif
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: help venv

# The lines of a Makefile that begin with `#:`.
help:
	@sed -n 's/^#: //p' $(firstword $(MAKEFILE_LIST))

venv: $(VENV)

$(TOOLS): $(ROOT)/tools/build/bootstrap.py $(ROOT)/tools/build/bootstrap.lock
	@echo 'set-up: uv into .tools/ (some 5 s)'
	@$(PYTHON) $<

# A package of ours: locked for development, and itself editable; of the contracts the checker too.
OWN = $(patsubst $(ROOT)/%pyproject.toml,./%,$(wildcard $(ROOT)/$*/pyproject.toml $(ROOT)/$*/checker/pyproject.toml))
$(ROOT)/%/.venv/.ready: $(ROOT)/%/requirements-dev.lock $(ROOT)/%/pyproject.toml $(TOOLS)
	@$(RUN) $(MAKES) 'environment of $(*F)' '$(SYNC) && $(UV) pip install -q --python $*/.venv --no-deps \
	  --require-build-hashes --build-constraints $(LOCK) $(addprefix -e ,$(OWN))'

# A folder of programs.
$(ROOT)/%/.venv/.ready: $(ROOT)/%/requirements.lock $(TOOLS)
	@$(RUN) $(MAKES) 'environment of $(*F)' '$(SYNC)'

# What npm locks; Node comes with infra's environment.
$(ROOT)/%/node_modules/.package-lock.json: $(ROOT)/%/package-lock.json $(INFRA)
	@$(RUN) $(MAKES) 'npm packages of $*' python -m tools.build.node $*
