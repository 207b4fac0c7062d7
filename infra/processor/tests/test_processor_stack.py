from __future__ import annotations

import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
from cv_contracts.events import CHATBOT_SOURCE, PROCESSOR_SOURCE

from cdk_constructs.emulator import LEFT_OUT, as_on_aws
from cdk_constructs.stack import REPOSITORY
from processor.stack import ProcessorStack
from testing.synthesis import empty_bundle, synthesise, template_of
from testing.template import grants_in, names_table_of, of_type, open_routes, statements

# Raise a number only with a reason in the stack; lower it whenever one goes.
ACKNOWLEDGED: Final = {
    "AwsSolutions-APIG4": 2,
    "AwsSolutions-IAM5[Resource::*]": 2,
    "AwsSolutions-L1": 6,
    "AwsSolutions-SQS3": 2,
}


@pytest.fixture(scope="module", params=["local", "dev", "prod"])
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    bundle = empty_bundle(tmp_path_factory.mktemp("bundle"))
    return template_of(
        lambda app, stage: ProcessorStack(app, stage, bundle, "1.0.0"), request.param
    )


def variables_of(template: Any, function: str) -> dict[str, Any]:
    for _, properties in of_type(template, "AWS::Lambda::Function"):
        if properties["FunctionName"].endswith(f"-processor-{function}"):
            variables: dict[str, Any] = properties["Environment"]["Variables"]
            return variables
    raise AssertionError(f"there is no function {function}")


def test_it_does_not_know_the_reporters_table(template: Any) -> None:
    assert not names_table_of(template, "reporter")


def test_only_health_and_the_webhook_are_reachable_without_a_signature(template: Any) -> None:
    assert open_routes(template) == {"GET /health", "POST /v1/webhooks/events"}


def test_every_handler_has_its_own_role(template: Any) -> None:
    roles = [p["Role"]["Fn::GetAtt"][0] for _, p in of_type(template, "AWS::Lambda::Function")]
    assert len(roles) == len(set(roles)) == 6


def test_only_the_api_and_the_erasure_read_text_of_single_correlations(template: Any) -> None:
    readers = {
        policy.split("Role")[0]
        for policy, statement in statements(template)
        if "dynamodb:GetItem" in statement["Action"]
    }
    assert readers == {"Api", "Erase"}


def test_a_reprojection_waits_for_the_longest_function(template: Any) -> None:
    """Its wait is the service's own constant, which the service cannot compare with its stack.

    The embedded AWS gives a batch less time than AWS does.
    """
    source = REPOSITORY / "services/processor/src/cv_processor/application/reproject.py"
    line = re.compile(r"^LONGEST_FUNCTION_SECONDS = (\d+)$", re.MULTILINE)
    [seconds] = line.findall(source.read_text("utf-8"))
    timeouts = [p["Timeout"] for _, p in of_type(template, "AWS::Lambda::Function")]
    assert int(seconds) >= max(timeouts)


def test_the_ingest_queue_counts_its_limits_per_message_group(template: Any) -> None:
    queues = [p for _, p in of_type(template, "AWS::SQS::Queue") if p.get("FifoQueue")]
    assert queues
    assert {p["FifoThroughputLimit"] for p in queues} == {"perMessageGroupId"}
    assert {p["DeduplicationScope"] for p in queues} == {"messageGroup"}


def test_batches_report_what_failed_and_nothing_else_comes_back(template: Any) -> None:
    mappings = list(of_type(template, "AWS::Lambda::EventSourceMapping"))
    assert len(mappings) == 4
    for _, properties in mappings:
        assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_relay_never_gives_up_silently(template: Any) -> None:
    [stream] = [
        p
        for _, p in of_type(template, "AWS::Lambda::EventSourceMapping")
        if "StartingPosition" in p
    ]
    assert stream["StartingPosition"] == "TRIM_HORIZON"
    assert stream["BisectBatchOnFunctionError"] is True
    assert stream["MaximumRetryAttempts"] > 0
    assert 0 < stream["MaximumRecordAgeInSeconds"] < 24 * 3600
    assert stream["DestinationConfig"]["OnFailure"]["Destination"]


def test_the_relay_is_not_called_for_questions_that_are_still_open(template: Any) -> None:
    [stream] = [
        p
        for _, p in of_type(template, "AWS::Lambda::EventSourceMapping")
        if "StartingPosition" in p
    ]
    patterns = [json.loads(each["Pattern"]) for each in stream["FilterCriteria"]["Filters"]]
    assert patterns == [
        {"dynamodb": {"NewImage": {"closedDay": {"S": [{"prefix": "DAY#"}]}}}},
        {"dynamodb": {"Keys": {"pk": {"S": [{"prefix": "ERASURE#"}]}}}},
        {"eventName": ["REMOVE"]},
    ]


def test_the_bus_refuses_foreign_sources_and_rules_without_one(template: Any) -> None:
    [(_, bus)] = of_type(template, "AWS::Events::EventBus")
    by_sid = {s["Sid"]: s for s in bus["Policy"]["Statement"]}
    assert by_sid["OnlyItsOwnSources"]["Condition"] == {
        "StringNotEquals": {"events:source": [PROCESSOR_SOURCE, CHATBOT_SOURCE]}
    }
    assert by_sid["OnlyRulesThatNameASource"]["Condition"] == {"Null": {"events:source": "true"}}
    assert {s["Effect"] for s in by_sid.values()} == {"Deny"}


def test_the_table_can_be_restored_and_streams_both_images(template: Any) -> None:
    [(_, table)] = of_type(template, "AWS::DynamoDB::Table")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    kinds = {i["IndexName"]: i["Projection"] for i in table["GlobalSecondaryIndexes"]}
    assert kinds == {name: {"ProjectionType": "KEYS_ONLY"} for name in ("day", "session")}


def test_what_others_may_find_is_published_and_nothing_else(template: Any) -> None:
    names = {p["Name"].split("/", 3)[-1] for _, p in of_type(template, "AWS::SSM::Parameter")}
    assert names == {
        f"processor/{resource}"
        for resource in (
            "api-arn",
            "api-url",
            "bus-arn",
            "bus-name",
            "erasure-queue-arn",
            "erasure-queue-url",
        )
    }


def test_handlers_know_what_they_are(template: Any) -> None:
    for function in ("api", "ingest", "expire", "relay", "intake", "erase"):
        variables = variables_of(template, function)
        assert variables["SERVICE_VERSION"] == "1.0.0"
        assert variables["POWERTOOLS_SERVICE_NAME"] == "processor"


def test_the_emulator_enforces_the_very_grants_of_production(tmp_path: Path) -> None:
    bundle = empty_bundle(tmp_path)
    local, prod = (
        as_on_aws(
            grants_in(template_of(lambda app, at: ProcessorStack(app, at, bundle, "1.0.0"), stage)),
            stage,
        )
        for stage in ("local", "prod")
    )
    assert local == prod


def test_a_deployment_is_tagged_with_its_release(tmp_path: Path) -> None:
    bundle = empty_bundle(tmp_path)
    result = synthesise(lambda app, at: ProcessorStack(app, at, bundle, "1.2.3"), "prod")
    assert result.tags["release"] == "processor-v1.2.3"


def test_findings_of_cdk_nag_that_stand_do_not_grow_and_say_why(tmp_path: Path) -> None:
    bundle = empty_bundle(tmp_path)
    result = synthesise(lambda app, stage: ProcessorStack(app, stage, bundle, "1.0.0"), "prod")
    assert Counter(entry.rule for entry in result.acknowledged) == ACKNOWLEDGED
    for entry in result.acknowledged:
        assert len(entry.reason) > 20
        assert date.fromisoformat(entry.since)


def test_the_emulator_gets_every_kind_of_resource_but_those_that_it_lacks(tmp_path: Path) -> None:
    bundle = empty_bundle(tmp_path)
    kinds = {
        name: {
            resource["Type"]
            for resource in template_of(
                lambda app, stage: ProcessorStack(app, stage, bundle, "1.0.0"), name
            )["Resources"].values()
        }
        for name in ("local", "prod")
    }
    # The canary alone judges versions, by a filter on their logs.
    assert kinds["prod"] - kinds["local"] == {*LEFT_OUT, "AWS::Logs::MetricFilter"}
    assert kinds["local"] <= kinds["prod"]


def test_no_page_of_another_origin_may_call_the_api(template: Any) -> None:
    """Why: services/processor/README.md, "Browser clients"."""
    for _, properties in of_type(template, "AWS::ApiGatewayV2::Api"):
        assert "CorsConfiguration" not in properties
