"""Each parameter of `connect` and each keyword of ssh_config: what is set, and what is seen.

The rows are tests, run on each installed driver by test_matrix.py, and the tables of the page
docs/matrix.rst, which docs/tables.py makes of them. So nothing here needs pytest.
"""

from matrix import keywords, parameters
from matrix.row import KEYWORDS, PARAMETERS, Row

__all__ = ["KEYWORDS", "PARAMETERS", "Row", "keywords", "parameters"]
