"""Requirements nobody judges, with the reason. `tests/rules/test_coverage.py` keeps the list honest."""

UNJUDGED: dict[str, str] = {
    "PRICE-007": "whether a price holds value added tax shows only in the price list of the CPO, which the bench does not know",
}
