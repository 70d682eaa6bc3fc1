"""Real traffic: mitmproxy between a CPO and any hub, old recordings read into evidence, a recording played again.

Imports `oicp` and `fake_hubject`. Only `wire.py`, `breaking.py` and `flows.py` import mitmproxy (the extra `tap`); HAR files, pairs of
JSON files and replay work without it. Start reading at `wire.py`.
"""
