"""The garbage collector of a process that keeps what it records: it must not look through all of it again and again."""

import gc

_THRESHOLDS = (20_000, 20, 100)


def expect_much() -> None:
    """Leave what is loaded alone and look for garbage seldom. For processes of our own; not for somebody else's."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
