"""A service's HTTP API in front of one function."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_constructs.acknowledge import acknowledge
from cdk_constructs.alarms import ONE_MINUTE, Advice, ServiceAlarms
from cdk_constructs.function import ServiceFunction, retention_of
from cdk_constructs.stack import ServiceStack

# The stage that has no name in the URL; the emulator knows it too.
DEFAULT_STAGE: Final = "$default"
SIGNED_ROUTES: Final = ("GET /docs", "GET /openapi.json", "ANY /v1/{proxy+}")


@dataclass(frozen=True)
class Throttle:
    """Requests a second, and how many at once, that a route lets through; the rest gets 429."""

    rate: int
    burst: int


SIGNED_THROTTLE: Final = Throttle(rate=50, burst=100)


SLOW_MS: Final = 5_000
SERVER_ERRORS: Final = Advice(
    "page",
    "The API answers with server errors",
    "Read the lines with `status` >= 500 in the api function's log",
)
SLOW: Final = Advice(
    "ticket",
    "One of a hundred requests takes longer than five seconds, for a quarter of an hour",
    "Compare duration and throttles of the api function on the dashboard",
)

# No address, no user agent, no query: an access log must not know who asked what.
ACCESS_LOG: Final = {
    "requestId": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "route": "$context.routeKey",
    "status": "$context.status",
    "latencyMs": "$context.responseLatency",
    "error": "$context.integrationErrorMessage",
}


class ServiceApi(Construct):
    """An HTTP API whose routes all ask for a signed request (SigV4), but those named `open_routes`.

    Routes are written `METHOD /path`, as API Gateway writes them. Each open route has a throttle of
    its own: a flood of it neither takes the signed callers' share nor costs without a limit.
    """

    def __init__(
        self,
        stack: ServiceStack,
        alarms: ServiceAlarms,
        handler: ServiceFunction,
        *,
        open_routes: Mapping[str, Throttle],
        signed_routes: Sequence[str] = SIGNED_ROUTES,
    ) -> None:
        """One per stack; `open_routes` need no signature."""
        super().__init__(stack, "HttpApi")
        self._stack = stack
        self.api = apigateway.HttpApi(
            self, "Api", api_name=stack.base_name, create_default_stage=False
        )
        stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            stage_name=DEFAULT_STAGE,
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(
                rate_limit=SIGNED_THROTTLE.rate, burst_limit=SIGNED_THROTTLE.burst
            ),
        )
        resource = stage.node.default_child
        assert isinstance(resource, apigateway.CfnStage)
        resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=self._access_log().log_group_arn, format=json.dumps(ACCESS_LOG)
        )
        resource.route_settings = {
            route: {"ThrottlingRateLimit": limit.rate, "ThrottlingBurstLimit": limit.burst}
            for route, limit in open_routes.items()
        }
        integration = integrations.HttpLambdaIntegration("Function", handler.alias)
        for route in open_routes:
            # API Gateway refuses the settings of a route that does not exist yet.
            stage.node.add_dependency(
                self._add(route, integration, apigateway.HttpNoneAuthorizer())
            )
        for route in signed_routes:
            self._add(route, integration, authorizers.HttpIamAuthorizer())
        alarms.add("api-errors", self.metric("5xx", "Sum"), SERVER_ERRORS)
        slow = self.metric("Latency", "p99", cdk.Duration.minutes(5))
        alarms.add("api-latency", slow, SLOW, above=SLOW_MS, periods=3)
        # Only the embedded AWS does not answer where its own attribute says.
        self.local_endpoint = (
            cdk.CfnParameter(
                stack,
                "LocalEndpoint",
                default="http://127.0.0.1:4566",
                description="Where the embedded AWS listens",
            )
            if stack.deploy_stage.emulated
            else None
        )

    def metric(
        self, name: str, statistic: str, period: cdk.Duration = ONE_MINUTE
    ) -> cloudwatch.Metric:
        """One of API Gateway's metrics of this API."""
        return cloudwatch.Metric(
            namespace="AWS/ApiGateway",
            metric_name=name,
            dimensions_map={"ApiId": self.api.api_id},
            period=period,
            statistic=statistic,
        )

    @property
    def url(self) -> str:
        """The base URL, without a trailing slash."""
        if self.local_endpoint is not None:
            return f"{self.local_endpoint.value_as_string}/_aws/execute-api/{self.api.api_id}"
        return self.api.api_endpoint

    @property
    def invoke_arn_root(self) -> str:
        """What IAM policies put before `/<stage>/<method>/<path>`."""
        return self._stack.format_arn(service="execute-api", resource=self.api.api_id)

    def _add(
        self,
        route: str,
        integration: integrations.HttpLambdaIntegration,
        authorizer: apigateway.IHttpRouteAuthorizer,
    ) -> apigateway.HttpRoute:
        method, path = route.split(" ", 1)
        [added] = self.api.add_routes(
            path=path,
            methods=[apigateway.HttpMethod(method)],
            integration=integration,
            authorizer=authorizer,
        )
        if isinstance(authorizer, apigateway.HttpNoneAuthorizer):
            acknowledge(
                added,
                "AwsSolutions-APIG4",
                "Open on purpose: the handler authenticates it by a signature or cookie of its own,"
                " or it is /health and tells only what is running",
                since="2026-11-22",
            )
        return added

    def _access_log(self) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            "AccessLog",
            log_group_name=f"/aws/apigateway/{self._stack.base_name}",
            retention=retention_of(self._stack.deploy_stage),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )


def may_call(api_root: str, methods_and_paths: Sequence[str]) -> iam.PolicyStatement:
    """The permission to call routes (`GET /v1/...`) of an API, by its ARN root."""
    return iam.PolicyStatement(
        actions=["execute-api:Invoke"],
        resources=[
            f"{api_root}/{DEFAULT_STAGE}/{route.replace(' ', '', 1)}" for route in methods_and_paths
        ],
    )
