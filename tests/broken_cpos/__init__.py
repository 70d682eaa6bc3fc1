"""CPOs that are wrong in one way each, and CPOs that are merely different: the proof that the suite sees what it should.

They are the reference CPO with one part replaced or one message changed on its way; nothing in `cpo/` knows of them.
"""
