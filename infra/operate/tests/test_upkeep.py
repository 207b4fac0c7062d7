from __future__ import annotations

from pathlib import Path

from operate.upkeep import locked


def test_every_locked_package_is_audited_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "requirements.lock").write_text(
        "Boto3==1.2.3 \\\n    --hash=sha256:00\nsix==1.0 ; python_version < '3.12' \\\n", "utf-8"
    )
    (tmp_path / "dev.lock").write_text("boto3==1.2.3 \\\n", "utf-8")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "other.lock").write_text("evil==6.6.6\n", "utf-8")
    assert locked(tmp_path) == {("boto3", "1.2.3"), ("six", "1.0")}
