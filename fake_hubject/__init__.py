"""The hub (Hubject, HBS) and the EMPs behind it, as a local test double; records every exchange before it is judged.

Imports `oicp` only. Start reading at `hub.py`; what is recorded, and how, stands in `recorder.py`.
"""
