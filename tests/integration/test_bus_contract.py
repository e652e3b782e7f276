"""One contract, two buses: what port.py promises holds in memory and on a real nats-server."""

import asyncio

import pytest

from masq_kernel.bus import subjects
from masq_kernel.bus.errors import BusRefused, BusTimeout, BusUnavailable, Refusal
from masq_kernel.bus.memory import MemoryBroker
from masq_kernel.bus.messages.accountant import WalletRefused, WalletsRequested, WalletsShown
from masq_kernel.bus.messages.gossip import StageChanged
from masq_kernel.bus.messages.router import LinkClosed, UsageReported
from masq_kernel.bus.nats import NatsBus
from masq_kernel.bus.subjects import Service
from masq_kernel.identity.keys import NodeId, WalletAddress
from masq_kernel.units import UnixSeconds
from support.nats_server import running_server

PEER = NodeId(bytes(range(32)))
WALLET = WalletAddress(bytes(20))


@pytest.fixture(params=["memory", "nats"])
async def connect(request, tmp_path):
    """Return a coroutine function that connects one service; all are closed at the end."""
    opened = []
    if request.param == "memory":
        broker = MemoryBroker()

        async def connect_one(service):
            opened.append(broker.connect(service))
            return opened[-1]

        yield connect_one
        for bus in opened:
            await bus.close()
    else:
        async with running_server(tmp_path) as server:

            async def connect_one(service):
                opened.append(await server.connect(service))
                return opened[-1]

            yield connect_one
            for bus in opened:
                await bus.close()


async def eventually(condition, timeout_s=8.0):
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


def usage(number):
    return UsageReported(event_id=str(number), at=UnixSeconds(number), entries=())


async def test_events_reach_every_listener_in_order(connect):
    router, gossip, api = [
        await connect(each) for each in (Service.ROUTER, Service.GOSSIP, Service.API)
    ]
    heard = {"gossip": [], "api": []}
    for name, bus in (("gossip", gossip), ("api", api)):

        async def on_closed(message, name=name):
            heard[name].append(message.reason)

        await bus.listen(subjects.LINK_CLOSED, on_closed)
    for number in range(50):
        await router.publish(subjects.LINK_CLOSED, LinkClosed(peer=PEER, reason=str(number)))
    await eventually(lambda: len(heard["gossip"]) == len(heard["api"]) == 50)
    assert heard["gossip"] == heard["api"] == [str(number) for number in range(50)]


async def test_a_listener_that_fails_hears_the_next_event(connect):
    router, gossip = await connect(Service.ROUTER), await connect(Service.GOSSIP)
    heard = []

    async def on_closed(message):
        heard.append(message.reason)
        if message.reason == "bad":
            raise ValueError("handler")

    await gossip.listen(subjects.LINK_CLOSED, on_closed)
    for reason in ("bad", "good"):
        await router.publish(subjects.LINK_CLOSED, LinkClosed(peer=PEER, reason=reason))
    await eventually(lambda: heard == ["bad", "good"])


async def test_a_request_is_answered(connect):
    accountant, api = await connect(Service.ACCOUNTANT), await connect(Service.API)

    async def on_wallets(_):
        return WalletsShown(consuming=None, earning=WALLET)

    await accountant.serve(subjects.WALLETS, on_wallets)
    answer = await api.request(subjects.WALLETS, WalletsRequested())
    assert answer == WalletsShown(consuming=None, earning=WALLET)


async def test_a_refusal_carries_its_code_and_reason(connect):
    accountant, api = await connect(Service.ACCOUNTANT), await connect(Service.API)

    async def on_wallets(_):
        raise BusRefused(Refusal.NO_WALLET, "no consuming wallet is set")

    await accountant.serve(subjects.WALLETS, on_wallets)
    with pytest.raises(BusRefused) as refused:
        await api.request(subjects.WALLETS, WalletsRequested())
    assert refused.value.code is Refusal.NO_WALLET
    assert refused.value.reason == "no consuming wallet is set"


async def test_a_defect_in_a_handler_is_answered_without_its_story(connect):
    accountant, api = await connect(Service.ACCOUNTANT), await connect(Service.API)

    async def on_wallets(_):
        raise ValueError("private detail")

    await accountant.serve(subjects.WALLETS, on_wallets)
    with pytest.raises(BusRefused) as refused:
        await api.request(subjects.WALLETS, WalletsRequested())
    assert refused.value.code is Refusal.INTERNAL
    assert "private detail" not in str(refused.value)


async def test_a_question_nobody_serves_fails_at_once(connect):
    api = await connect(Service.API)
    async with asyncio.timeout(2):
        with pytest.raises(BusUnavailable):
            await api.request(subjects.WALLETS, WalletsRequested(), timeout_s=30)


async def test_a_slow_answer_is_a_timeout(connect):
    accountant, api = await connect(Service.ACCOUNTANT), await connect(Service.API)

    async def on_wallets(_):
        await asyncio.sleep(5)

    await accountant.serve(subjects.WALLETS, on_wallets)
    with pytest.raises(BusTimeout):
        await api.request(subjects.WALLETS, WalletsRequested(), timeout_s=0.2)


async def test_replicas_share_the_questions(connect):
    first, second = await connect(Service.ACCOUNTANT), await connect(Service.ACCOUNTANT)
    api = await connect(Service.API)
    served = {"first": 0, "second": 0}
    for name, bus in (("first", first), ("second", second)):

        async def on_wallets(_, name=name):
            served[name] += 1
            return WalletsShown(consuming=None, earning=WALLET)

        await bus.serve(subjects.WALLETS, on_wallets)
    for _ in range(60):
        await api.request(subjects.WALLETS, WalletsRequested())
    assert served["first"] + served["second"] == 60
    assert min(served.values()) > 0


async def test_a_stream_is_read_in_order_and_a_known_id_adds_nothing(connect):
    router, accountant = await connect(Service.ROUTER), await connect(Service.ACCOUNTANT)
    read = []

    async def on_usage(message):
        read.append(message.event_id)

    await accountant.consume(subjects.USAGE, on_usage)
    for number in (1, 2, 2, 1, 3):
        await router.append(subjects.USAGE, usage(number), message_id=str(number))
    await eventually(lambda: len(read) >= 3)
    await asyncio.sleep(0.2)
    assert read == ["1", "2", "3"]


async def test_a_stream_message_is_told_again_until_its_handler_succeeds(connect):
    router, accountant = await connect(Service.ROUTER), await connect(Service.ACCOUNTANT)
    read = []

    async def on_usage(message):
        read.append(message.event_id)
        if len(read) < 3:
            raise OSError("disk full")

    await accountant.consume(subjects.USAGE, on_usage)
    for number in (1, 2):
        await router.append(subjects.USAGE, usage(number), message_id=str(number))
    await eventually(lambda: len(read) == 4)
    assert read == ["1", "1", "1", "2"]


async def test_a_stream_keeps_what_arrives_while_its_reader_is_away(connect):
    router, accountant = await connect(Service.ROUTER), await connect(Service.ACCOUNTANT)
    read = []

    async def on_usage(message):
        read.append(message.event_id)

    await accountant.consume(subjects.USAGE, on_usage)
    await router.append(subjects.USAGE, usage(1), message_id="1")
    await eventually(lambda: read == ["1"])
    await accountant.close()
    await router.append(subjects.USAGE, usage(2), message_id="2")
    again = await connect(Service.ACCOUNTANT)
    await again.consume(subjects.USAGE, on_usage)
    await eventually(lambda: read == ["1", "2"])


class Follower:
    """What one follower knows."""

    def __init__(self):
        self.known, self.times_whole = {}, 0

    async def on_kept(self, kept):
        if kept.is_whole:
            self.known, self.times_whole = {}, self.times_whole + 1
        for key, message in kept.messages.items():
            if message is None:
                self.known.pop(key, None)
            else:
                self.known[key] = message.reason


async def test_what_is_kept_reaches_those_who_were_there_and_those_who_come_later(connect):
    accountant, early = await connect(Service.ACCOUNTANT), await connect(Service.ROUTER)
    before, keeper, later = Follower(), Follower(), Follower()
    await early.follow(subjects.REFUSED_WALLETS, before.on_kept)
    await accountant.follow(subjects.REFUSED_WALLETS, keeper.on_kept)
    await eventually(lambda: keeper.times_whole == 1)
    for key in ("aa", "bb", "cc"):
        await accountant.keep(subjects.REFUSED_WALLETS, key, WalletRefused(reason="banned"))
    await accountant.keep(subjects.REFUSED_WALLETS, "bb", None)
    await accountant.keep(subjects.REFUSED_WALLETS, "cc", WalletRefused(reason="credit"))
    await eventually(lambda: before.known == {"aa": "banned", "cc": "credit"})
    late = await connect(Service.ROUTER)
    await late.follow(subjects.REFUSED_WALLETS, later.on_kept)
    await eventually(lambda: later.known == {"aa": "banned", "cc": "credit"})
    assert later.times_whole == 1


async def test_who_was_cut_off_learns_everything_again(tmp_path):
    async with running_server(tmp_path) as server:
        accountant = await server.connect(Service.ACCOUNTANT)
        router, follower = await server.connect(Service.ROUTER), Follower()
        await router.follow(subjects.REFUSED_WALLETS, follower.on_kept)
        await accountant.follow(subjects.REFUSED_WALLETS, Follower().on_kept)
        await eventually(lambda: follower.times_whole == 1)
        await accountant.keep(subjects.REFUSED_WALLETS, "aa", WalletRefused(reason="banned"))
        await eventually(lambda: follower.known == {"aa": "banned"})
        await server.kill()
        with pytest.raises(BusUnavailable):
            await accountant.keep(subjects.REFUSED_WALLETS, "aa", None)
        await server.start()
        while True:
            try:
                await accountant.keep(subjects.REFUSED_WALLETS, "aa", None)
                break
            except BusUnavailable:
                await asyncio.sleep(0.05)
        await eventually(lambda: follower.known == {})
        assert follower.times_whole >= 2
        await accountant.keep(subjects.REFUSED_WALLETS, "bb", WalletRefused(reason="banned"))
        await eventually(lambda: follower.known == {"bb": "banned"}, timeout_s=1.0)
        await router.close()
        await accountant.close()


class Reader:
    """What the journal's reader has been told."""

    def __init__(self):
        self.told = []

    async def on_noted(self, noted):
        reason = getattr(noted.message, "reason", None)
        self.told.append((noted.place, noted.event.name.rpartition(".")[2], reason))
        if reason == "bad":
            raise OSError("the handler fails")

    @property
    def reasons(self):
        return [reason for _, _, reason in self.told]


async def test_the_journal_tells_what_was_and_what_comes(connect):
    router, gossip, api = [
        await connect(each) for each in (Service.ROUTER, Service.GOSSIP, Service.API)
    ]
    first, second = Reader(), Reader()
    await api.read(subjects.EVENTS, first.on_noted)
    if isinstance(api, NatsBus):  # the server keeps events from when the reader made the journal
        await asyncio.sleep(0.5)
    for number in range(3):
        await router.publish(subjects.LINK_CLOSED, LinkClosed(peer=PEER, reason=str(number)))
    await eventually(lambda: first.reasons == ["0", "1", "2"])
    moved = StageChanged(stage="alone", reason="bad", before="starting", at=UnixSeconds(5))
    await gossip.publish(subjects.STAGE_CHANGED, moved)
    await eventually(lambda: first.reasons[3:] == ["bad"])
    await router.publish(subjects.LINK_CLOSED, LinkClosed(peer=PEER, reason="after"))
    await eventually(lambda: first.reasons[3:] == ["bad", "after"])
    replica = await connect(Service.API)
    await replica.read(subjects.EVENTS, second.on_noted)
    await eventually(lambda: second.told == first.told)
    assert [place for place, _, _ in first.told] == [1, 2, 3, 4, 5]
    assert {name for _, name, _ in first.told} == {"link-closed", "stage-changed"}


async def test_the_journal_goes_on_over_a_restart_of_the_server(tmp_path):
    async with running_server(tmp_path) as server:
        router, api = await server.connect(Service.ROUTER), await server.connect(Service.API)
        reader = Reader()
        await api.read(subjects.EVENTS, reader.on_noted)
        await asyncio.sleep(0.5)
        await router.publish(subjects.LINK_CLOSED, LinkClosed(peer=PEER, reason="before"))
        await eventually(lambda: reader.reasons == ["before"])
        await server.kill()
        await server.start()
        await eventually(lambda: router.is_connected and api.is_connected)
        await router.publish(subjects.LINK_CLOSED, LinkClosed(peer=PEER, reason="after"))
        await eventually(lambda: reader.reasons == ["before", "after"])
        assert [place for place, _, _ in reader.told] == [1, 2]
        await router.close()
        await api.close()
