"""What compiled loops need of numba, which threads share."""

import subprocess
import sys

KINDS = """
from synth import kernels
from numba.core.typing.typeof import typeof_impl
known = set(typeof_impl.registry)
from synth.filters.language import response_class
response_class.by_rules("今天天气很好，我们一起去公园散步。")
print(*set(typeof_impl.registry) - known)
"""


def test_no_kind_of_argument_is_registered_once_a_kernel_can_be_called() -> None:
    """One thread compiles while another calls: it would break off where the table of kinds grows as it is gone through."""
    found = subprocess.run([sys.executable, "-c", KINDS], capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout == "\n"
