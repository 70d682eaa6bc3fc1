"""report.html: one file that opens offline. Being assembled."""

from markupsafe import escape

from reports.markdown import summary
from reports.report import Report


def html(report: Report) -> str:
    """The page."""
    return f"<!doctype html><meta charset=utf-8><title>OICP bench</title><pre>{escape(summary(report))}</pre>"
