"""Security advisories in CSAF 2.0 (JSON), as the Microsoft Security Response Center publishes for each vulnerability.

After the CSAF 2.0 specification of OASIS. Microsoft writes `version:kind of update:address` into `details`, which is
taken apart where it has this shape; CSAF has no field for what an update supersedes.
"""

import re

import msgspec

from buildlab.errors import FormatError, LimitExceededError
from buildlab.limits import DEFAULT_LIMITS, Limits
from buildlab.readers.advisory import Advisory, Remediation, kb_of_address, kb_of_text

_DETAILS = re.compile(r"(\d+(?:\.\d+){2,3}):([^:]*):(https?:.*)", re.DOTALL)


class _Product(msgspec.Struct):
    product_id: str
    name: str


class _Branch(msgspec.Struct):
    branches: list["_Branch"] = []
    product: _Product | None = None


class _ProductTree(msgspec.Struct):
    branches: list[_Branch] = []
    full_product_names: list[_Product] = []


class _Restart(msgspec.Struct):
    category: str


class _Remediation(msgspec.Struct):
    category: str
    details: str
    date: str = ""
    product_ids: list[str] = []
    restart_required: _Restart | None = None
    url: str = ""


class _Vulnerability(msgspec.Struct):
    cve: str = ""
    remediations: list[_Remediation] = []


class _Publisher(msgspec.Struct):
    name: str


class _Tracking(msgspec.Struct):
    id: str
    current_release_date: str


class _Head(msgspec.Struct):
    csaf_version: str
    title: str
    publisher: _Publisher
    tracking: _Tracking


class _Document(msgspec.Struct):
    document: _Head
    product_tree: _ProductTree = msgspec.field(default_factory=_ProductTree)
    vulnerabilities: list[_Vulnerability] = []


def read_csaf(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Advisory:
    """An advisory; FormatError where it is none or nested too deeply, LimitExceededError where it is too large."""
    if len(data) > limits.knowledge_bytes:
        raise LimitExceededError(f"an advisory of {len(data)} bytes")
    try:
        document = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"), type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise FormatError("csaf", str(error)) from error
    names = _names(document.product_tree)
    found: list[Remediation] = []
    passed_over = 0
    for vulnerability in document.vulnerabilities:
        for stated in vulnerability.remediations:
            one = _remediation(stated, vulnerability.cve, names)
            if one is None:
                passed_over += 1
            else:
                found.append(one)
            if len(found) > limits.knowledge_rows:
                raise LimitExceededError(f"more than {limits.knowledge_rows} remediations in one document")
    head = document.document
    return Advisory(
        identifier=head.tracking.id,
        title=head.title,
        publisher=head.publisher.name,
        released=head.tracking.current_release_date,
        remediations=tuple(found),
        passed_over=passed_over,
    )


def _names(tree: _ProductTree) -> dict[str, str]:
    products = list(tree.full_product_names)
    waiting = list(tree.branches)
    while waiting:
        branch = waiting.pop()
        waiting += branch.branches
        if branch.product is not None:
            products.append(branch.product)
    return {product.product_id: product.name for product in products}


def _remediation(stated: _Remediation, cve: str, names: dict[str, str]) -> Remediation | None:
    """None where no KB is named: a mitigation, or a fix that is no update."""
    parts = _DETAILS.fullmatch(stated.details.strip())
    kb = kb_of_address(stated.url) or (kb_of_address(parts[3]) if parts else kb_of_text(stated.details))
    if kb is None or stated.category != "vendor_fix":
        return None
    return Remediation(
        kb=kb,
        vulnerability=cve,
        products=tuple(names.get(product, product) for product in stated.product_ids),
        fixed_build=parts[1] if parts else "",
        subtype=parts[2].strip() if parts else "",
        restart="" if stated.restart_required is None else stated.restart_required.category,
        released=stated.date,
        url=stated.url,
    )
