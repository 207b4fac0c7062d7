"""A bundle's bytecode is used, all of it, and the zip stays small."""

from __future__ import annotations

import json
import os
import py_compile
import subprocess
import zipfile
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from tests.bundles import bytecode
from tools.build.bundle import prune_operations
from tools.paths import BUNDLES, TOOLS

MAX_ZIPPED_MB = 12
PYTHON = TOOLS / "bin" / "python"
SERVICES = ("processor", "reporter")

# Outside of Lambda the modules build nothing when imported, so they need no environment.
IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
    importlib.import_module(module.name)
"""


# What AWS names the hosts of the services that ours call, in its three usual partitions.
HOSTS = {
    "processor": {"dynamodb", "events", "secretsmanager", "sqs"},
    "reporter": {"dynamodb", "events", "secretsmanager", "sqs", "ssm", "email"},
}
DOMAINS = {
    "eu-west-2": "amazonaws.com",
    "us-gov-west-1": "amazonaws.com",
    "cn-north-1": "amazonaws.com.cn",
}
PRINT_ADDRESSES = """
import importlib, sys
aws = importlib.import_module(f"cv_{sys.argv[1]}.adapters.aws")
for service in sys.argv[2:]:
    make = aws.client_without_retries if service == "sesv2" else aws.client
    print(make(service).meta.endpoint_url)
"""


@pytest.fixture(scope="module", params=SERVICES)
def zipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle as it is uploaded."""
    bundle = BUNDLES / f"{request.param}-local"
    target = tmp_path_factory.mktemp("zip") / f"{request.param}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(bundle.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(bundle))
    return target


@pytest.fixture(scope="module")
def unzipped(zipped: Path) -> Path:
    """Unpacked elsewhere, with other file times, and every source poisonous."""
    folder = zipped.with_suffix("")
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(folder)
    bytecode.poison(folder)
    return folder


def test_the_zip_is_small(zipped: Path) -> None:
    assert zipped.stat().st_size / 1e6 <= MAX_ZIPPED_MB


def test_the_zip_carries_its_pinned_sdk(unzipped: Path) -> None:
    lock = Path(f"services/{unzipped.name}/requirements.lock").read_text()
    pinned = next(line for line in lock.splitlines() if line.startswith("botocore=="))
    version = pinned.removeprefix("botocore==").split(" ")[0]
    assert (unzipped / f"botocore-{version}.dist-info").is_dir()


@pytest.mark.parametrize(
    ("service", "data", "operations"),
    [
        ("reporter", "ssm/2014-11-06", {"GetParameter"}),
        ("reporter", "sesv2/2019-09-27", {"SendEmail"}),
        ("processor", "events/2015-10-07", {"PutEvents"}),
    ],
)
def test_the_sdk_knows_the_operations_that_the_service_names(
    service: str, data: str, operations: set[str]
) -> None:
    model = BUNDLES / f"{service}-local/botocore/data" / data / "service-2.json"
    assert set(json.loads(model.read_text())["operations"]) == operations


@pytest.mark.parametrize("region", DOMAINS)
def test_without_endpoint_rules_the_clients_go_to_the_regions_hosts(
    unzipped: Path, region: str
) -> None:
    assert not list(unzipped.rglob("endpoint-rule-set-*"))
    service, hosts = unzipped.name, sorted(HOSTS[unzipped.name])
    names = ["sesv2" if host == "email" else host for host in hosts]
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    places = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "PYTHONPATH": str(unzipped)}
    printed = subprocess.run(
        [PYTHON, "-S", "-c", PRINT_ADDRESSES, service, *names],
        env=keys | places,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.split() == [f"https://{host}.{region}.{DOMAINS[region]}" for host in hosts]


def test_an_operation_keeps_the_shapes_that_it_is_made_of(tmp_path: Path) -> None:
    """One of them has a member called `shape`, and one contains itself."""
    shapes = {
        "Input": {"type": "structure", "members": {"shape": {"shape": "Tree"}}},
        "Tree": {"type": "list", "member": {"shape": "Tree"}},
        "Failure": {"type": "structure", "members": {}, "exception": True},
        "Other": {"type": "string"},
    }
    kept = {"input": {"shape": "Input"}, "errors": [{"shape": "Failure"}]}
    operations = {"GetThing": kept, "PutThing": {"input": {"shape": "Other"}}}
    called = described(tmp_path, "called", {"operations": operations, "shapes": shapes})
    theirs = described(tmp_path, "theirs", {"operations": {"Assume": {}}, "shapes": shapes})
    source = tmp_path / "cv_service" / "adapters" / "things.py"
    source.parent.mkdir(parents=True)
    source.write_text("client.get_thing()")
    before = theirs.read_text()
    prune_operations(tmp_path)
    del shapes["Other"]
    assert json.loads(called.read_text()) == {"operations": {"GetThing": kept}, "shapes": shapes}
    assert theirs.read_text() == before


def described(bundle: Path, service: str, document: dict[str, object]) -> Path:
    model = bundle / "botocore" / "data" / service / "2025-01-01" / "service-2.json"
    model.parent.mkdir(parents=True)
    model.write_text(json.dumps(document))
    return model


def test_every_module_is_taken_from_its_bytecode(unzipped: Path) -> None:
    assert compiled_anew(unzipped) == []
    assert list(unzipped.rglob("*.pyc"))


def test_all_handlers_import_from_bytecode_alone(unzipped: Path) -> None:
    """Deeper than looking: a single source that is run raises."""
    entrypoints = f"cv_{unzipped.name}.entrypoints"
    environment = {**os.environ, "PYTHONPATH": str(unzipped)}
    environment.pop("AWS_LAMBDA_FUNCTION_NAME", None)
    command = [str(PYTHON), "-S", "-B", "-c", IMPORT_ALL, entrypoints]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]


def test_bytecode_that_goes_by_file_times_is_found(tmp_path: Path) -> None:
    """What an ordinary compiler makes, and what a zip tool makes stale."""
    for name in ("fresh", "stale"):
        source = tmp_path / f"{name}.py"
        source.write_text("answer = 42")
        mode = "UNCHECKED_HASH" if name == "fresh" else "TIMESTAMP"
        py_compile.compile(
            str(source), invalidation_mode=py_compile.PycInvalidationMode[mode], doraise=True
        )
    (tmp_path / "missing.py").write_text("answer = 42")
    bytecode.poison(tmp_path)
    assert Path(cache_from_source(str(tmp_path / "fresh.py"))).is_file()
    assert bytecode.compiled_anew(tmp_path) == ["missing.py", "stale.py"]


def compiled_anew(folder: Path) -> list[str]:
    """As the interpreter that the bundle was built for sees it."""
    command = [str(PYTHON), "-B", str(Path(bytecode.__file__)), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found
