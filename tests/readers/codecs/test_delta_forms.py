"""The compiled modules that apply deltas, and their plain sources, make the same of the same."""

import json
import subprocess
import sys
from pathlib import Path

from buildlab.readers.codecs import compiled_codecs
from tests.places import ROOT
from tests.readers.codecs.test_compiled import _copy

MAKE = """
import hashlib, json, random
from buildlab.errors import BuildlabError
from buildlab.limits import DEFAULT_LIMITS
from buildlab.readers.codecs import compiled_codecs
from buildlab.readers.delta import apply_delta
from buildlab.readers.delta_pe import transform_base
from tests.kit.delta import preprocess_data, write_delta
from tests.kit.pe import AMD64, I386, write_pe
from tests.readers.test_delta import VECTORS
from tests.readers.test_delta_hostile import NEW, OLD, MOVES, PLACES, pe_delta
from tests.readers.test_delta_transforms import image, near, put, run, CALLS, DATA, DATA_AT, DISASM, JMPS

found = [apply_delta(bytes.fromhex(delta), base) for delta, base, _ in VECTORS]
delta = write_delta(OLD, NEW)
found.append(apply_delta(delta, OLD))
choose = random.Random(9)
for number in range(150):
    damaged = bytearray(delta)
    damaged[choose.randrange(12, len(delta))] = choose.randrange(256)
    try:
        found.append(apply_delta(bytes(damaged), OLD))
    except BuildlabError as error:
        found.append(type(error).__name__.encode())
for machine in (AMD64, I386):
    found.append(apply_delta(*pe_delta(machine)))
    for number in range(10):
        made = image({3: (DATA, 12)}, machine=machine)
        made.data[0x200:0x400] = choose.choices(bytes([0xE8, 0xE9, 0x0F, 0x84, 0, 0, 1, 0x48, 0x8D, 5, 0xFF]), k=0x200)
        put(made, DATA_AT, 0x1000, 0x1200, 0)
        for bit in (JMPS, CALLS, DISASM):
            run(made, bit)
        found.append(bytes(made.data))
digests = [hashlib.sha256(one).hexdigest() for one in found]
print(json.dumps({"compiled": compiled_codecs()["delta"], "digests": digests}))
"""


def made_in(path: Path) -> dict[str, object]:
    code = f"import sys; sys.path[:0] = [{str(path)!r}, {str(ROOT)!r}]\n{MAKE}"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    found = json.loads(output)
    assert isinstance(found, dict)
    return found


def test_both_forms_make_the_same(tmp_path: Path) -> None:
    folder = _copy(tmp_path)
    for path in (*folder.glob("*.so"), *folder.glob("*.pyd")):
        path.unlink()
    plain = made_in(tmp_path)
    installed = made_in(ROOT / "src")
    assert plain["compiled"] is False
    assert installed["compiled"] is compiled_codecs()["delta"]
    assert plain["digests"] == installed["digests"]
