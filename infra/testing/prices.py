"""AWS's list prices in US dollars: us-east-1, on demand, no discount by volume.

From the pages aws.amazon.com/<service>/pricing. `FREE` is what every account has each month for
ever; what is free in an account's first year only does not count.
"""

from __future__ import annotations

from typing import Final

PRICES_AS_OF: Final = "2025-11-01"

MILLION: Final = 1e6
GB: Final = 1e9

API_REQUEST: Final = 1.00 / MILLION  # api-gateway: of an HTTP API, by 512 KB
LAMBDA_REQUEST: Final = 0.20 / MILLION
LAMBDA_GB_SECOND: Final = 0.0000133334  # arm64
SENT_BYTE: Final = 0.09 / GB  # ec2: data transfer to the internet
WRITE_UNIT: Final = 0.625 / MILLION  # dynamodb
READ_UNIT: Final = 0.125 / MILLION
TABLE_BYTE_MONTH: Final = 0.25 / GB
BACKUP_BYTE_MONTH: Final = 0.20 / GB  # point-in-time recovery
SQS_REQUEST: Final = 0.40 / MILLION
SQS_FIFO_REQUEST: Final = 0.50 / MILLION
EVENT: Final = 1.00 / MILLION  # eventbridge: a custom event, by 64 KB
LOG_BYTE: Final = 0.50 / GB  # cloudwatch
LOG_BYTE_MONTH: Final = 0.03 / GB
METRIC_MONTH: Final = 0.30
ALARM_METRIC_MONTH: Final = 0.10  # each metric that an alarm evaluates
COMPOSITE_ALARM_MONTH: Final = 0.50
DASHBOARD_MONTH: Final = 3.00
MAIL: Final = 0.10 / 1_000  # ses

# Units a month that cost nothing, by what is counted.
FREE: Final = {
    "alarms": 10,
    "metrics": 10,
    "dashboards": 3,
    "log bytes": 5 * GB,
    "Lambda requests": 1e6,
    "Lambda GB-seconds": 400_000,
    "SQS requests": 1e6,
    "table bytes": 25 * GB,
}
