import pytest

from support.api_node import ApiNode


@pytest.fixture
async def node(tmp_path):
    return await ApiNode(tmp_path).start()
