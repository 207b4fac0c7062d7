# What the three deployables have in common: the wheel, the bundle, the stack, and its deployment.
#
# Before it includes this file, a Makefile sets UNIT. A service sets BUNDLE, too.

include $(ROOT)/tools/build/common.mk

PROGRAM  := cd $(ROOT) && tools/.venv/bin/python -m tools
PLATFORM := $(if $(filter local,$(STAGE)),local,lambda)
ASSEMBLY := $(ROOT)/dist/cdk/$(STAGE)/$(UNIT).stamp
WHEEL    := $(ROOT)/dist/wheels/$(UNIT).stamp
BUNDLER  := $(addprefix $(ROOT)/tools/build/,bundle.py compile.mjs build.lock)
# of the contracts, too: their unreleased changes are in no bundle, but are reported
SOURCES  := $(shell find src pyproject.toml requirements.lock requirements-otel.lock $(ROOT)/services/shared-contracts/src \
              -type f ! -name '*.pyc' 2>/dev/null)
STACK    := $(shell find $(ROOT)/infra/$(UNIT) $(ROOT)/infra/cdk_constructs -name '*.py' ! -path '*/tests/*')

.PHONY: lint test build bundle bundle-local synth deploy ship diff destroy adopt remove-data rollback prune package
.PHONY: publish smoke always
.PHONY: lint-service lint-benchmarks lint-stack test-service test-stack emulator

lint: lint-service lint-stack
test: test-service test-stack
build: $(WHEEL) $(BUNDLE)
bundle: $(BUNDLE)
synth: $(ASSEMBLY)

lint-service: $(VENV)
	@$(STEP) 'lint $(UNIT)' 'ruff check . && ruff format --check . && mypy && lint-imports'

lint-benchmarks: $(VENV)
	@$(RUN) 'lint benchmarks $(UNIT)' 'bin=$(HERE)/.venv/bin; c=$(HERE)/pyproject.toml; \
	  $$bin/ruff check --config $$c benchmarks/*.py benchmarks/$(UNIT) && \
	  $$bin/ruff format --config $$c --check benchmarks/*.py benchmarks/$(UNIT) && \
	  MYPYPATH=$(HERE) $$bin/mypy --config-file $$c --cache-dir $(HERE)/.mypy_cache/benchmarks benchmarks/$(UNIT)'

lint-stack: $(INFRA)
	@$(RUN) --in infra 'lint stack $(UNIT)' 'ruff check cdk_constructs testing $(UNIT) && \
	  ruff format --check cdk_constructs testing $(UNIT) && mypy cdk_constructs testing $(UNIT)'

test-service: $(VENV)
	@$(STEP) --tail 'test $(UNIT)' 'python -m pytest'

test-stack: $(INFRA)
	@$(RUN) --in infra --tail 'test stack $(UNIT)' 'UNIT=$(UNIT) python -m pytest cdk_constructs testing $(UNIT)'

$(WHEEL): $(TOOLS) $(SOURCES)
	@mkdir -p $(@D)
	@$(RUN) $(MAKES) 'wheel $(UNIT)' '$(UV) build -q --wheel --no-sources --require-build-hashes \
	  --build-constraints $(LOCK) -o dist $(HERE)'

$(ROOT)/dist/bundles/$(UNIT)-lambda.stamp: $(ROOT)/tools/node_modules/.package-lock.json
# Whether the bundle carries OpenTelemetry: this file is written only when that has changed.
TRACING := $(ROOT)/dist/bundles/otlp
$(TRACING): always
	@mkdir -p $(@D)
	@printf '%s\n' "$${OTLP:+on}" | cmp -s - $@ || printf '%s\n' "$${OTLP:+on}" >$@

$(ROOT)/dist/bundles/$(UNIT)-%.stamp: $(TOOLS) $(BUNDLER) $(SOURCES) $(TRACING)
	@$(RUN) $(MAKES) --tail 'bundle $(UNIT) ($*)' python -m tools.build.bundle $(UNIT) $*

# What else a template depends on: this file is written only when a value has changed.
INPUTS := $(ASSEMBLY:.stamp=.inputs)
$(INPUTS): always
	@mkdir -p $(@D)
	@printf '%s\n' "CANARY=$$CANARY ALARM_EMAIL=$$ALARM_EMAIL OTLP=$$OTLP" | cmp -s - $@ || \
	  printf '%s\n' "CANARY=$$CANARY ALARM_EMAIL=$$ALARM_EMAIL OTLP=$$OTLP" >$@
always:

$(ASSEMBLY): $(INFRA) $(STACK) $(BUNDLE) $(INPUTS)
	@$(RUN) $(MAKES) 'synth $(UNIT) ($(STAGE))' python -m tools.build.synth $(UNIT) $(STAGE)

deploy: $(ASSEMBLY) $(LOCAL) $(CDK) $(if $(filter local,$(STAGE)),emulator)
	@$(PROGRAM) preflight --stage $(STAGE) $(UNIT)
	@$(PROGRAM) deploy --stage $(STAGE) $(UNIT)
	@$(PROGRAM) smoke --stage $(STAGE) $(UNIT)

# what `package` put into dist/, without building anything
ship: $(LOCAL) $(CDK)
	@$(PROGRAM) deploy --stage $(STAGE) $(UNIT)

package:
	@$(MAKE) synth STAGE=dev
	@$(MAKE) synth STAGE=prod
	$(if $(BUNDLE),@cd $(ROOT) && .tools/bin/python -m tools.build.bytecode $(UNIT))

# another make: what both need is made before
emulator: $(ASSEMBLY) $(LOCAL) $(CDK)
	@$(MAKE) -C $(ROOT)/tools start

diff: $(ASSEMBLY) $(LOCAL) $(CDK)
	@$(PROGRAM) diff --stage $(STAGE) $(UNIT)

destroy: $(ASSEMBLY) $(LOCAL) $(CDK)
	@$(PROGRAM) destroy --stage $(STAGE) $(UNIT) $(if $(YES),--yes)

adopt: $(ASSEMBLY) $(LOCAL)
	@$(PROGRAM) adopt --stage $(STAGE) $(UNIT)

remove-data: $(ASSEMBLY) $(LOCAL)
	@$(PROGRAM) remove-data --stage $(STAGE) $(UNIT) $(if $(YES),--yes)

rollback: $(LOCAL)
	@$(PROGRAM) rollback --stage $(STAGE) $(UNIT) $(if $(VERSION),--version '$(VERSION)')

prune: $(LOCAL)
	@$(PROGRAM) prune --stage $(STAGE) $(UNIT)

smoke: $(LOCAL)
	@$(PROGRAM) smoke --stage $(STAGE) $(UNIT)

publish: $(LOCAL)
	@$(PROGRAM) publish $(UNIT)
