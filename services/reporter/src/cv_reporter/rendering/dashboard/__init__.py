"""What the dashboard shows, before it is HTML: wording, and the geometry of its charts."""
