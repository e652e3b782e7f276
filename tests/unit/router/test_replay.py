from masq_kernel.units import UnixSeconds
from masq_router.relay.replay import ReplayWindow

NOW = UnixSeconds(1_000)
LATER = UnixSeconds(1_600)


def test_a_setup_is_served_once():
    window = ReplayWindow()
    assert window.admit(b"a", LATER, NOW)
    assert window.is_known(b"a")
    assert not window.admit(b"a", LATER, NOW)


def test_it_is_remembered_until_it_expires_by_itself():
    window = ReplayWindow()
    window.admit(b"a", LATER, NOW)
    assert not window.admit(b"a", LATER, LATER)
    assert window.admit(b"b", UnixSeconds(9_000), UnixSeconds(LATER + 1))
    assert len(window) == 1


def test_a_full_memory_refuses_the_new_and_keeps_the_old():
    window = ReplayWindow(setups_max=2)
    assert window.admit(b"a", LATER, NOW)
    assert window.admit(b"b", LATER, NOW)
    assert not window.admit(b"c", LATER, NOW)
    assert window.is_known(b"a")
    assert window.admit(b"c", UnixSeconds(9_000), UnixSeconds(LATER + 1))
