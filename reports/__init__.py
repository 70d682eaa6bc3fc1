"""Verdict and evidence in, console, HTML, JUnit, JSON and Markdown out. No judgement here.

Imports `oicp` only. Start reading at `report.py`; the page is put together in `html_report.py` from `html/`.
"""
