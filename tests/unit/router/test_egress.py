"""What leaves over a link: straight when it is clear, in turn when it is not, and bounded."""

from masq_router.egress import LINK_QUEUE_MAX, QUANTUM, SESSION_QUEUE_MAX, Egress

PACKAGE = bytes(32_768)


class NarrowLink:
    """A link that takes so many packages and is then congested."""

    def __init__(self, room):
        self.room = room
        self.sent = []

    @property
    def is_congested(self):
        return self.room <= 0

    def send_data(self, tag, body):
        self.room -= 1
        self.sent.append((tag, body))


def make_egress(room):
    link, shed = NarrowLink(room), []
    return link, shed, Egress(link, shed.append)


def test_a_clear_link_takes_packages_at_once():
    link, _, egress = make_egress(room=3)
    egress.send("a", b"tag", PACKAGE)
    assert link.sent == [(b"tag", PACKAGE)]
    assert egress.is_clear


def test_queued_sessions_take_turns_and_keep_their_order():
    link, _, egress = make_egress(room=0)
    for number in range(6):
        egress.send("bulk", b"bulk", bytes([number]) * 1_000 * 33)
    egress.send("small", b"small", b"x")
    link.room = 3
    egress.on_writable()
    assert b"small" in [tag for tag, _ in link.sent]
    link.room = 100
    egress.on_writable()
    assert [body[0] for tag, body in link.sent if tag == b"bulk"] == list(range(6))
    assert egress.queued_size == 0


def test_a_session_over_its_cap_is_shed_and_the_others_stay():
    link, shed, egress = make_egress(room=0)
    egress.send("quiet", b"q", b"x")
    for _ in range(SESSION_QUEUE_MAX // len(PACKAGE) + 1):
        egress.send("greedy", b"g", PACKAGE)
    assert shed == ["greedy"]
    assert egress.queued_size == 1
    link.room = 5
    egress.on_writable()
    assert link.sent == [(b"q", b"x")]


def test_a_link_over_its_cap_sheds_the_largest_session():
    _, shed, egress = make_egress(room=0)
    per_session = SESSION_QUEUE_MAX // len(PACKAGE) - 1
    sessions = LINK_QUEUE_MAX // (per_session * len(PACKAGE)) + 1
    for number in range(sessions):
        for _ in range(per_session - number):
            egress.send(number, b"t", PACKAGE)
    assert shed[0] == 0
    assert egress.queued_size <= LINK_QUEUE_MAX


def test_a_small_session_waits_for_none_of_many_bulky_ones():
    link, _, egress = make_egress(room=0)
    for bulky in range(200):
        for _ in range(4):
            egress.send(bulky, b"bulky", PACKAGE)
    link.room = 400
    egress.on_writable()
    egress.send("small", b"small", b"x")
    link.room = 1
    egress.on_writable()
    assert link.sent[-1] == (b"small", b"x")


def test_small_sessions_that_come_and_go_do_not_starve_bulk():
    link, _, egress = make_egress(room=0)
    for _ in range(100):
        egress.send("bulky", b"bulky", PACKAGE)
    link.room = 2
    egress.on_writable()
    for number in range(100):
        for small in range(4):
            egress.send(("small", number % 2, small), b"small", bytes(1_000))
        link.room = 5
        egress.on_writable()
    assert [tag for tag, _ in link.sent].count(b"bulky") >= 20


def test_turns_cut_short_add_nothing_to_later_ones():
    link, _, egress = make_egress(room=0)
    for _ in range(300):
        egress.send("bulky", b"bulky", PACKAGE)
    for _ in range(9_000):
        egress.send("many", b"many", bytes(1_000))
    for _ in range(600):
        link.room = 1
        egress.on_writable()
    sizes = {
        name: sum(len(body) for tag, body in link.sent if tag == name)
        for name in (b"bulky", b"many")
    }
    assert abs(sizes[b"bulky"] - sizes[b"many"]) <= 2 * QUANTUM


def test_what_a_sender_makes_in_its_turn_and_what_was_relayed_share_the_way():
    link, _, egress = make_egress(room=0)
    made = []

    def pull():
        made.append(1)
        return b"own", PACKAGE

    egress.when_clear("own", pull)
    for _ in range(300):
        egress.send("relayed", b"relayed", PACKAGE)
    assert made == []
    link.room = 100
    egress.on_writable()
    tags = [tag for tag, _ in link.sent]
    assert len(made) == tags.count(b"own")
    assert abs(tags.count(b"own") - tags.count(b"relayed")) <= 3


def test_a_sender_with_nothing_more_is_asked_no_more():
    link, _, egress = make_egress(room=0)
    left = [PACKAGE, PACKAGE]
    egress.when_clear("own", lambda: (b"own", left.pop()) if left else None)
    egress.on_writable()
    assert link.sent == []
    link.room = 10
    egress.on_writable()
    assert len(link.sent) == 2
    assert egress.is_clear
    left.append(PACKAGE)
    egress.on_writable()
    assert len(link.sent) == 2


def test_a_session_dropped_in_its_own_turn_is_gone():
    link, _, egress = make_egress(room=0)
    egress.when_clear("own", lambda: egress.drop("own"))
    egress.send("own", b"own", b"x")
    link.room = 5
    egress.on_writable()
    assert (link.sent, egress.queued_size, egress.is_clear) == ([(b"own", b"x")], 0, True)
