from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from migration.tests.unit.two_tables import TwoTables


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoTables]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield TwoTables.make(monkeypatch.setenv)
