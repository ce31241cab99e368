"""Makes the attacks' `scenario` importable: the unit tests stand on the same company and plan."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "attacks"))
