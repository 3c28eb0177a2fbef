"""What names things by what they hold."""

import random
import tracemalloc

from footfall.digest import sha256, sha256_of


def test_a_files_digest_is_that_of_its_bytes_and_never_holds_them_all(tmp_path):
    content = random.Random(1).randbytes(20_000_000)
    (tmp_path / "large").write_bytes(content)
    tracemalloc.start()
    digest = sha256_of(tmp_path / "large")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert digest == sha256(content) and peak < 2e6, "bytes"
