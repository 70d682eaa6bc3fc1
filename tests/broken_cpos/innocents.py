"""CPOs that do it differently and are right."""

from tests.broken_cpos import offline
from tests.broken_cpos.variant import Variant

VARIANTS = (
    Variant("reference", "The reference CPO as it is", only="all"),
    Variant("reference-for-the-recording", "The reference CPO in the scenarios of the recording", only=offline.RECORDED),
)  # fmt: skip
