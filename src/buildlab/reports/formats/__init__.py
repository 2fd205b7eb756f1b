"""One module a format, each exposing a `ReportFormat`."""
