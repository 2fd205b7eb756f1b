"""Write the golden documents anew from the scans as they are now: ``python -m tests.refresh_golden``."""

import json

from tests.places import GOLDEN
from tests.reports.test_scan_json import GOLDEN_NAMES, document_of


def main() -> None:
    """Write every golden document; look at the difference before it is kept."""
    GOLDEN.mkdir(exist_ok=True)
    for name in GOLDEN_NAMES:
        text = json.dumps(document_of(name), indent=1, ensure_ascii=False)
        (GOLDEN / f"{name}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main()
