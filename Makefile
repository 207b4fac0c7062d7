# CV Analytics. This file only delegates: each folder that it names has a Makefile of its own.
#
#: CV Analytics: what a chatbot's visitors ask. `make help-all` lists every target.
#:
#:   demo           set everything up, send two weeks of sample questions, print the weekly report
#:   up  down       start the embedded AWS and deploy everything into it; stop it and keep its data
#:   status  logs   show how both services are (also STAGE=); follow the logs of the functions
#:   trace funnel   the path of one question (REQUEST=id); how far each day's questions came
#:   test           everything, the browser and the system tests too (some 17 minutes on two cores)
#:   test-fast      lint, types, unit and contract tests, templates: no browser, no embedded AWS
#:   bench          what the services promise: calls, CPU, cold starts, growth, sizes
#:
#:   migrate        from one stack with one table to these services, under live traffic
#:
#: One deployable (X is contracts, processor or reporter), also in its own folder without -X:
#:   lint-X  test-X  build-X  synth-X      check and build it alone
#:   deploy-X  diff-X  rollback-X  smoke   deploy and smoke-test it, see what would change, go back
#:   run-X  ops-X                          serve the API with reload; the operators' commands
#:
#: STAGE=local is the embedded AWS; other stages (default: dev) are in the account of your
#: credentials. VERBOSE=1 shows all output. PORT= moves the embedded AWS.
#+
#+ The embedded AWS
#+   clean-local            stop it and delete its data
#+   enable  purge          what a runbook does by hand: NAME=processor-relay, QUEUE=reporter-rule-dlq
#+   dashboard-link         print a signed link into the dashboard
#+ Tests
#+   test-service-X         the tests of X without its stack; test-stack-X: of the stack alone
#+   test-contract-X        what of a service depends on the contracts
#+   test-browser           the dashboard in Chromium
#+   test-system            HTTP and SQS in, e-mail and dashboard out, IAM enforced
#+   test-skew              the services against each released version of the contracts
#+   test-deployment        deployed one by one, stopped, rolled back under load, deleted
#+   test-permissions       IAM: every grant is used, no call is refused
#+   test-commands          make up, down, demo in random order, killed: no checkout gets stuck
#+   test-runbooks          each alarm raised by its fault, and cleared by its runbook's commands
#+   test-kills             functions, operators' commands, the emulator killed: nothing is lost
#+   test-convergence       both services under faults: in the end they agree
#+   test-bundles           the bundles: size, content, valid bytecode
#+   test-architecture      import rules, private names: each rule fails on a violation
#+   test-infra test-tools test-docs test-purity
#+   lint                   ruff, mypy, import rules, workflows: everywhere
#+   purity                 the nine criteria of pure microservices, each with its evidence
#+   soak                   EVENTS=10000 events with every fault injected: minutes (also: storm)
#+   soak-commands          COMMANDS=200 random commands and kills; SEED= repeats a walk
#+   soak-kills             KILLS=1000 during PAIRS=5000; repeat it to go on where it was stopped
#+ An account (docs/deploy.md)
#+   preflight              what would stop a deployment, and the command that helps
#+   bootstrap              CDK's bucket for what is deployed, once
#+   deploy-sender          the SES identity of the reports, once
#+   deploy-github          the roles of the pipelines: REPOSITORY=owner/name
#+   adopt-X                take data that an earlier stack left into the next one
#+   remove-data-X          delete data that an earlier stack left, after asking
#+   remove-account         delete roles, sender and bootstrap, after asking
#+ Deployment
#+   package-X              build X once, for every stage that a pipeline deploys
#+   ship-X                 deploy what package-X put into dist/, without building anything
#+   publish-X              tag and release the present version of X on GitHub
#+   prune-X                delete old versions of the functions, all but ten; deploy-X does it, too
#+   destroy-X              delete the stack of X, after asking (YES=1: without)
#+   smoke  smoke-X         send a flagged question through; of contracts: what they announce
#+   audit                  ask the OSV database about every locked package
#+   restore-test           restore a copy of each table, read it, delete it
#+   reconciliation-test    let the Reporter compare itself with the Processor now
#+ Contracts
#+   check-contracts        what changed, who breaks, which version it needs
#+   release-contracts      check, write CHANGELOG.md, keep the wheel, make the catalogue
#+   catalogue              the site of all events and APIs, in dist/catalogue
#+ The migration, rehearsed (migration/README.md)
#+   migrate-before         an embedded AWS of its own, the system before, questions; RATE= a second
#+   migrate-0  migrate-1  migrate-2  migrate-3  migrate-4  migrate-5      one phase: there, back, there
#+   migrate-back  migrate-check  migrate-status  migrate-end
#+   migrate-wrong          a usual wrong step, and the check that detects it: CASE=fire-and-forget
#+   test-migration         its tests, with embedded AWSs of their own; `test` has test-unit-migration
#+ The rest
#+   taxonomy               skills and intents: make taxonomy ARGS='lint'
#+   bench-X  cost          one benchmark; count the AWS calls and write docs/cost.md anew
#+   setup                  all environments, nothing else
#+   lock                   resolve dependencies anew (PACKAGE=name: only that) and write the locks
#+   clean                  delete what was built (environments and the embedded AWS stay)

SERVICES := $(notdir $(wildcard services/processor services/reporter))
UNITS    := contracts $(SERVICES)
SLOWEST  := $(filter $(UNITS),reporter processor contracts)

# of a target such as `test-stack-processor`
unit   = $(lastword $(subst -, ,$@))
verb   = $(patsubst %-$(unit),%,$@)
folder = services/$(subst contracts,shared-contracts,$(unit))

# What needs a deployable's own environment, and what needs its templates or less.
INSIDE   := lint lint-service lint-benchmarks test test-service bench
INSIDE_S := test-contract run ops
STACK    := lint-stack test-stack synth deploy diff destroy adopt remove-data package ship publish smoke build
ONE      := $(foreach verb,$(INSIDE),$(UNITS:%=$(verb)-%)) $(foreach verb,$(INSIDE_S),$(SERVICES:%=$(verb)-%))
OTHER    := $(foreach verb,$(STACK),$(UNITS:%=$(verb)-%)) $(SERVICES:%=rollback-%) $(SERVICES:%=prune-%)
OF_TOOLS := preflight bootstrap deploy-sender deploy-github remove-account \
            down clean-local status trace funnel enable purge logs smoke audit restore-test reconciliation-test
ACROSS   := docs bundles architecture convergence purity system skew deployment permissions browser commands kills runbooks

PHASES   := 0 1 2 3 4 5
MIGRATE  := $(addprefix migrate-,before back check wrong status end $(PHASES))

MAKEFLAGS += --no-builtin-rules --no-print-directory --silent
ifeq ($(MAKELEVEL),0) # a make that this one calls shares its jobs
MAKEFLAGS += --jobs=2
endif
.DEFAULT_GOAL := help
.PHONY: help help-all setup ready demo up emulator test test-fast bench lint lock clean purity
.PHONY: chromium soak soak-commands soak-kills storm taxonomy cost dashboard-link catalogue check-contracts release-contracts
.PHONY: $(SERVICES:%=count-%) $(ONE) $(OTHER) $(OF_TOOLS) $(ACROSS:%=test-%) $(UNITS:%=venv-%) $(UNITS:%=bundle-%)
.PHONY: $(UNITS:%=assembly-%) $(SERVICES:%=bundle-local-%) assemblies-local
.PHONY: migrate $(MIGRATE) test-migration test-unit-migration lint-migration
.PHONY: lint-infra lint-tools lint-workflows lint-benchmarks test-infra test-tools

help:
	@sed -n 's/^#: \{0,1\}//p' Makefile

help-all:
	@sed -n 's/^#[:+] \{0,1\}//p' Makefile

# ---- what newcomers type ------------------------------------------------------------------------

demo: up
	@$(MAKE) -C tools demo

up: assemblies-local emulator
	@$(MAKE) -C tools up

emulator: ready
	@$(MAKE) -C tools start

# what cannot run is said before anything runs
test: chromium
	@$(MAKE) test-fast
	@$(MAKE) $(DEPLOYED:%=test-%)

# two at a time: each has an embedded AWS of its own, on a port of its own
DEPLOYED := browser system runbooks skew commands deployment kills permissions

# the longest first: two run at a time
test-fast: lint $(SLOWEST:%=test-service-%) test-infra test-tools $(UNITS:%=synth-%)
test-fast: test-bundles test-architecture test-docs test-purity test-convergence test-unit-migration

lint: $(UNITS:%=lint-service-%) lint-infra lint-tools lint-migration lint-benchmarks lint-workflows
lint-benchmarks: $(UNITS:%=lint-benchmarks-%)
bench: $(UNITS:%=bench-%)

# ---- one deployable, in its own folder ----------------------------------------------------------

$(ONE) $(OTHER): ready
	@$(MAKE) -C $(folder) $(verb)

# Two targets of one deployable may run at once: what both need is made before.
$(filter %-contracts,$(ONE)): venv-contracts
$(filter %-processor,$(ONE)): venv-processor
$(filter %-reporter,$(ONE)): venv-reporter
$(UNITS:%=synth-%): synth-%: bundle-%
$(UNITS:%=build-%): build-%: bundle-%
$(UNITS:%=deploy-%): deploy-%: bundle-%
$(UNITS:%=diff-%): diff-%: bundle-%
$(UNITS:%=destroy-%): destroy-%: bundle-%
$(UNITS:%=adopt-%): adopt-%: bundle-%
$(UNITS:%=remove-data-%): remove-data-%: bundle-%
deploy-sender: synth-reporter
$(SERVICES:%=bench-%): bench-%: bundle-local-%

$(UNITS:%=venv-%) $(UNITS:%=bundle-%) $(SERVICES:%=bundle-local-%): ready
	@$(MAKE) -C $(folder) $(verb)

assemblies-local: $(UNITS:%=assembly-%)
$(SERVICES:%=assembly-%): assembly-%: bundle-local-%
$(UNITS:%=assembly-%): ready
	@$(MAKE) -C $(folder) synth STAGE=local

soak storm taxonomy: ready
	@$(MAKE) -C services/processor $@

$(SERVICES:%=count-%): ready
	@$(MAKE) -C $(folder) count

cost: $(SERVICES:%=count-%)
	@$(MAKE) -C infra $@

dashboard-link: ready
	@$(MAKE) -C services/reporter $@

catalogue check-contracts release-contracts: ready
	@$(MAKE) -C services/shared-contracts $(@:%-contracts=%)

# ---- stacks, tools, and the tests across services -----------------------------------------------

lint-infra test-infra: ready
	@$(MAKE) -C infra $(@:%-infra=%)

lint-workflows: ready
	@$(MAKE) -C infra $@

lint-tools test-tools: ready
	@$(MAKE) -C tools $(@:%-tools=%)

$(OF_TOOLS): ready
	@$(MAKE) -C tools $@

test-bundles: $(SERVICES:%=bundle-local-%)
test-docs test-architecture test-convergence test-skew: $(UNITS:%=venv-%)
test-browser: venv-reporter
test-system test-skew test-deployment test-permissions test-runbooks test-commands test-kills: assemblies-local
soak-commands soak-kills: assemblies-local $(SERVICES:%=venv-%)
test-kills test-runbooks: $(SERVICES:%=venv-%)
$(ACROSS:%=test-%): ready
	@$(MAKE) -C tests $(@:test-%=%)

purity: ready
	@$(MAKE) -C tests criteria

chromium soak-commands soak-kills: ready
	@$(MAKE) -C tests $@

# ---- the migration ------------------------------------------------------------------------------

lint-migration test-unit-migration: ready
	@$(MAKE) -C migration $(@:%-migration=%)

test-migration: assemblies-local
	@$(MAKE) -C migration test

migrate: assemblies-local
	@$(MAKE) -C migration all

migrate-before $(PHASES:%=migrate-%): assemblies-local
$(MIGRATE): ready
	@$(MAKE) -C migration $(if $(filter $(PHASES),$(unit)),phase NUMBER=$(unit),$(unit))

# ---- set-up -------------------------------------------------------------------------------------

setup: ready $(UNITS:%=venv-%)
ready:
	@$(MAKE) -C tools setup

lock:
	@$(MAKE) -C tools lock
	@$(MAKE) -C migration lock

clean:
	rm -rf dist
