"""How findings are presented: mail, dashboard templates, wording, CSV. All data is untrusted."""

from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
"""The folders `dashboard` and `mail` of Jinja2 templates."""
