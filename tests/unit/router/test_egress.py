"""What leaves over a link: straight when it is clear, in turn when it is not, and bounded."""

from masq_router.egress import LINK_QUEUE_MAX, SESSION_QUEUE_MAX, Egress

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


def test_a_pump_runs_once_when_the_way_is_clear():
    link, _, egress = make_egress(room=0)
    ran = []
    egress.when_clear(lambda: ran.append(1))
    egress.on_writable()
    assert ran == []
    link.room = 1
    egress.on_writable()
    egress.on_writable()
    assert ran == [1]
