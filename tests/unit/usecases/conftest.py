import pytest

from books import Books


@pytest.fixture
def books() -> Books:
    return Books()
