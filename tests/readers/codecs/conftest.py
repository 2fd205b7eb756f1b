"""Every test of the decoders runs on both of their forms."""

import pytest

from tests.readers.codecs.variants import Codecs, installed, plain


@pytest.fixture(params=["installed", "plain"])
def codecs(request: pytest.FixtureRequest) -> Codecs:
    """The decoders as they are installed, and their plain sources."""
    return installed() if request.param == "installed" else plain()
