"""OICP 2.3 without a socket: the words (ids, messages, services) and the law (catalogue, rules, judge).

Imports nothing of ours; pydantic checks the messages, PyYAML reads the catalogue. No clock, no network.
Start reading at `services.py` (what is said), then `evidence.py` (what was recorded), then `rulebook.py`.
"""
