"""The rules, one file per service, plus transport. Importing `all_rules` registers them all."""

import importlib
import pkgutil
from functools import cache

from oicp.rulebook import RULES, Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """Every rule there is."""
    for module in pkgutil.iter_modules(__path__, __name__ + "."):
        importlib.import_module(module.name)
    return tuple(RULES)
