from __future__ import annotations

import copy
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.purity.checkout import NOT_SOURCE, ROOT, ImpureError
from tests.purity.criteria import BUILT, CRITERIA, HEADER, Criterion, Evidence, row

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# `make purity` shows this one, too: it lints, tests and builds both services anew.
SLOW = {"built": BUILT}
BY_NAME = {criterion.name: criterion for criterion in CRITERIA}


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    return Evidence(tmp_path_factory.mktemp("purity"))


@pytest.mark.parametrize(
    "criterion", [c for c in CRITERIA if c.name not in SLOW], ids=lambda criterion: criterion.name
)
def test_each_service_is_independently(criterion: Criterion, evidence: Evidence) -> None:
    assert criterion.proves(evidence)


def test_there_are_nine_criteria() -> None:
    assert len(CRITERIA) == 9


def test_the_copies_lack_the_other_service(evidence: Evidence) -> None:
    alone: Path = evidence.alone("processor")
    assert (alone / "services" / "processor").is_dir()
    assert not (alone / "services" / "reporter").exists()
    assert (ROOT / "services" / "reporter").is_dir()


def test_the_readme_shows_the_scorecard_that_make_purity_prints(evidence: Evidence) -> None:
    proved = {c.name: SLOW.get(c.name) or c.proves(evidence) for c in CRITERIA}
    printed = [*HEADER, *(row(criterion, proved[criterion.name]) for criterion in CRITERIA)]
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = re.search(rf"^{re.escape(HEADER[0])}\n(?:\|.*\n)+", readme, re.MULTILINE)
    assert shown is not None
    assert shown[0].splitlines() == printed


class Spoilt(Evidence):
    """The same evidence with a mistake in a template, or in the files below `root`."""

    @classmethod
    def copy_of(cls, evidence: Evidence, folder: Path) -> Spoilt:
        spoilt = cls(folder, folder / "checkout")
        for part in ("services", "infra"):
            ignored = shutil.ignore_patterns(*NOT_SOURCE)
            shutil.copytree(ROOT / part, spoilt.root / part, ignore=ignored)
        # where a cached property keeps what it was asked once
        vars(spoilt)["synthesised"] = copy.deepcopy(evidence.synthesised)
        return spoilt

    @property
    def templates(self) -> Any:
        """To be changed: service, stack, template."""
        return self.synthesised

    def resources(self, stack: str, kind: str) -> list[Any]:
        """The properties of a stack's resources of a kind, to be changed."""
        found = self.templates[stack.split("-")[0]][f"cv-analytics-{stack}-dev"]["Resources"]
        return [it["Properties"] for it in found.values() if it["Type"] == kind]


def looks_up_the_other(spoilt: Spoilt) -> None:
    stack = spoilt.templates["reporter"]["cv-analytics-reporter-dev"]
    stack["Parameters"]["Url"] = {"Default": "/cv-analytics/dev/processor/api-url"}


def runs_another_version(spoilt: Spoilt) -> None:
    function = spoilt.resources("processor", "AWS::Lambda::Function")[0]
    function["Environment"]["Variables"]["SERVICE_VERSION"] = "0.0.9"


def has_no_readme(spoilt: Spoilt) -> None:
    (spoilt.root / "services" / "processor" / "README.md").unlink()


def points_into_the_other(spoilt: Spoilt) -> None:
    link = spoilt.root / "services" / "processor" / "src" / "facts"
    link.symlink_to(spoilt.root / "services" / "reporter" / "src")


def has_a_fixed_capacity(spoilt: Spoilt) -> None:
    [table] = spoilt.resources("reporter", "AWS::DynamoDB::Table")
    table["BillingMode"] = "PROVISIONED"


def shares_a_role(spoilt: Spoilt) -> None:
    first, second, *_ = spoilt.resources("reporter", "AWS::Lambda::Function")
    first["Role"] = second["Role"]


def needs_the_other_to_build(spoilt: Spoilt) -> None:
    (spoilt.root / "Makefile").write_text(
        "lint-processor: services/reporter/pyproject.toml\ntest-processor build-processor:\n"
    )


def builds_nothing(spoilt: Spoilt) -> None:
    targets = " ".join(
        f"{verb}-{service}"
        for verb in ("lint", "test", "build")
        for service in ("processor", "reporter")
    )
    (spoilt.root / "Makefile").write_text(f"{targets}:\n\t@mkdir -p dist\n")


def locks_without_hashes(spoilt: Spoilt) -> None:
    (spoilt.root / "services" / "reporter" / "requirements.lock").write_text("boto3==1.0\n")


def has_no_settings(spoilt: Spoilt) -> None:
    (spoilt.root / "infra" / "processor" / "settings.py").unlink()


def imports_the_other(spoilt: Spoilt) -> None:
    module = spoilt.root / "services" / "reporter" / "src" / "cv_reporter" / "borrowed.py"
    module.write_text("def late() -> None:\n    from cv_processor.domain import correlation\n")


def owns_a_table_in_the_links(spoilt: Spoilt) -> None:
    links = spoilt.templates["reporter"]["cv-analytics-reporter-links-dev"]
    links["Resources"]["Table"] = {"Type": "AWS::DynamoDB::Table", "Properties": {}}


def both_have_the_same_bus(spoilt: Spoilt) -> None:
    for service in ("processor", "reporter"):
        [bus] = spoilt.resources(service, "AWS::Events::EventBus")
        bus["Name"] = bus["BusName"] = "cv-analytics-dev-bus"


def names_the_others_queue(spoilt: Spoilt) -> None:
    function = spoilt.resources("processor", "AWS::Lambda::Function")[0]
    function["Environment"]["Variables"]["QUEUE"] = "cv-analytics-dev-reporter-facts"


def exports(spoilt: Spoilt) -> None:
    stack = spoilt.templates["processor"]["cv-analytics-processor-dev"]
    stack["Outputs"]["ApiUrl"]["Export"] = {"Name": "url"}


def imports_an_export(spoilt: Spoilt) -> None:
    function = spoilt.resources("reporter", "AWS::Lambda::Function")[0]
    function["Environment"]["Variables"]["URL"] = {"Fn::ImportValue": "url"}


def reads_the_others_table(spoilt: Spoilt) -> None:
    policy = spoilt.resources("reporter", "AWS::IAM::Policy")[0]
    arn = {"Fn::Sub": "arn:aws:dynamodb:eu-west-2:1:table/cv-analytics-dev-processor"}
    policy["PolicyDocument"]["Statement"].append({"Action": "dynamodb:Scan", "Resource": arn})


MISTAKES: list[tuple[str, Callable[[Spoilt], None]]] = [
    ("deployable", looks_up_the_other),
    ("versioned", runs_another_version),
    ("stored", has_no_readme),
    ("stored", points_into_the_other),
    ("scaled", has_a_fixed_capacity),
    ("scaled", shares_a_role),
    ("built", needs_the_other_to_build),
    ("built", builds_nothing),
    ("managed", locks_without_hashes),
    ("managed", has_no_settings),
    ("communicating", imports_the_other),
    ("communicating", owns_a_table_in_the_links),
    ("on its own infrastructure", both_have_the_same_bus),
    ("on its own infrastructure", names_the_others_queue),
    ("on its own infrastructure", exports),
    ("on its own infrastructure", imports_an_export),
    ("owning its data", reads_the_others_table),
]


@pytest.mark.parametrize(
    ("name", "mistake"), MISTAKES, ids=[mistake.__name__ for _, mistake in MISTAKES]
)
def test_a_mistake_costs_the_criterion(
    name: str, mistake: Callable[[Spoilt], None], evidence: Evidence, tmp_path: Path
) -> None:
    spoilt = Spoilt.copy_of(evidence, tmp_path)
    mistake(spoilt)
    with pytest.raises(ImpureError):
        BY_NAME[name].proves(spoilt)


def test_every_criterion_is_seen_to_fail() -> None:
    assert {name for name, _ in MISTAKES} == set(BY_NAME)
