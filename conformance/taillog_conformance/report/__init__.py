"""Reports: one result model, and its views."""
