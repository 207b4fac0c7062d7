"""The catalogue shows every contract, its links lead somewhere, and its documents are valid."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import pytest
import yaml
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from cv_contracts import __version__
from cv_contracts.events import SessionErased
from cv_contracts.registry import PUBLICATIONS
from cv_contracts_checker._yaml import to_yaml
from cv_contracts_checker.asyncapi import asyncapi
from cv_contracts_checker.catalogue import write_site
from cv_contracts_checker.gate import Contracts
from cv_contracts_checker.golden import Folder

FOLDER = Folder(ROOT)
VENDOR = Path(__file__).parent / "vendor"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    write_site(FOLDER, Contracts(__version__), target)
    return target


def test_every_link_leads_to_a_page(site: Path) -> None:
    for page in site.rglob("*.html"):
        for link in re.findall(r'href="([^"]+)"', page.read_text("utf-8")):
            assert (page.parent / link).is_file(), f"{page.name}: {link}"


@pytest.mark.parametrize("publication", PUBLICATIONS, ids=lambda one: one.event.DETAIL_TYPE)
def test_every_event_has_a_page_with_its_facts(site: Path, publication: object) -> None:
    shown = next(one for one in PUBLICATIONS if one is publication)
    page = (site / "events" / f"{shown.event.DETAIL_TYPE}.html").read_text("utf-8")
    for fact in (shown.event.SOURCE, shown.event.schema_name(), shown.producer, "Replay", "Sunset"):
        assert fact in page


def test_every_field_of_an_event_is_told(site: Path) -> None:
    page = (site / "events" / "CorrelationCompleted.html").read_text("utf-8")
    for field in ("data.requestId", "data.skills[].name", "data.responseTimes.totalMs"):
        assert f"<code>{field}</code>" in page


def test_both_services_have_an_api_page(site: Path) -> None:
    for service, route in (("processor", "/v1/correlations"), ("reporter", "/v1/reports")):
        assert route in (site / "apis" / f"{service}.html").read_text("utf-8")


@pytest.mark.parametrize("service", FOLDER.services())
def test_every_api_tells_its_parties_its_promises_and_its_fields(site: Path, service: str) -> None:
    page = (site / "apis" / f"{service}.html").read_text("utf-8")
    for fact in ("Owner", "Clients", "Compatibility", "Ordering", "Replay", "Sunset"):
        assert f"<dt>{fact}</dt>" in page
    models = FOLDER.apis(service)["1.0"]["components"]["schemas"]
    for field in models["Health"]["properties"]:
        assert f"<code>{field}</code>" in page


def test_pages_load_nothing_from_elsewhere_and_have_no_script(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert not re.search(r'(src|href)="(https?:)?//|<script|@import|url\(', text)


def test_text_from_contracts_is_escaped(tmp_path: Path) -> None:
    class Hostile(SessionErased):
        """<script>alert(1)</script> & `<b>`."""

        DETAIL_TYPE: ClassVar[str] = "SessionErased"

    publication = replace(PUBLICATIONS[3], event=Hostile)
    write_site(FOLDER, Contracts(__version__, (publication,)), tmp_path)
    for page in tmp_path.rglob("*.html"):
        assert "<script>" not in page.read_text("utf-8")


def published() -> dict[str, Any]:
    """The published AsyncAPI file, read by an ordinary YAML parser."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "asyncapi.yaml").read_text("utf-8"))
    return document


def test_the_published_asyncapi_file_is_current() -> None:
    current = asyncapi(PUBLICATIONS, __version__)
    assert published() == json.loads(json.dumps(current)), "run `cv-contracts snapshot`"
    assert (ROOT / "asyncapi.yaml").read_text("utf-8") == to_yaml(current)


# What may stand in a double-quoted YAML text as it is.
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]) | st.just(" "))
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


@settings(deadline=None)
@given(DOCUMENTS)
def test_a_yaml_parser_reads_back_what_is_written(document: Any) -> None:
    assert yaml.safe_load(to_yaml(document)) == document


def test_the_asyncapi_document_is_valid_by_its_official_schema() -> None:
    official = json.loads((VENDOR / "asyncapi-3.0.0.json").read_text("utf-8"))
    validator = jsonschema.Draft7Validator(official)
    assert list(validator.iter_errors(published())) == []
    assert list(validator.iter_errors({"asyncapi": "3.0.0"}))


def test_every_reference_in_the_asyncapi_document_resolves() -> None:
    document = published()
    references = re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))
    assert len(references) > 20
    for reference in references:
        part = document
        for key in reference.split("/"):
            part = part[key]


@pytest.mark.parametrize("service", ["processor", "reporter"])
def test_the_openapi_documents_are_valid_by_their_official_schema(service: str) -> None:
    for document in FOLDER.apis(service).values():
        assert document["openapi"].startswith("3.1")
        assert list(OpenAPIV31SpecValidator(dict(document)).iter_errors()) == []
