"""The network "micro" for all tests of exports."""

import pytest

from tests.small import add_micro


@pytest.fixture(scope="module", autouse=True)
def micro():
    with pytest.MonkeyPatch.context() as patch:
        add_micro(patch)
        yield
