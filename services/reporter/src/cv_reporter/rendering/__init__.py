"""How a report is told: HTML, text, CSV. Pure functions of the report; all data is untrusted."""
