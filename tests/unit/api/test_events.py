"""Events over the API: pages of what was, and a stream of what comes."""

import asyncio
import json

import pytest

from masq_api.feed import FOLLOWERS_MAX, KEPT_MAX, KINDS, EventFeed, FeedFull
from masq_kernel.bus import subjects
from masq_kernel.bus.memory import MemoryBroker
from masq_kernel.bus.messages.accountant import WalletStanceChanged
from masq_kernel.bus.messages.gossip import StageChanged
from masq_kernel.bus.messages.router import LinkOpened
from masq_kernel.bus.messages.settlement import PaymentChanged
from masq_kernel.bus.subjects import Service
from support.api_node import NOW, PEER, WALLETS, make_payment


async def tell(broker, count=1):
    router, gossip = broker.connect(Service.ROUTER), broker.connect(Service.GOSSIP)
    accountant = broker.connect(Service.ACCOUNTANT)
    for number in range(count):
        opened = LinkOpened(peer=PEER, address="192.0.2.7", inbound=bool(number % 2))
        await router.publish(subjects.LINK_OPENED, opened)
    moved = StageChanged(stage="routable", reason="", before="connected", at=NOW)
    await gossip.publish(subjects.STAGE_CHANGED, moved)
    stance = WalletStanceChanged(wallet=WALLETS[1], cause="manual", at=NOW)
    await accountant.publish(subjects.WALLET_STANCE_CHANGED, stance)
    await accountant.publish(subjects.PAYMENT_CHANGED, PaymentChanged(payment=make_payment(3)))
    await asyncio.sleep(0.01)


async def test_what_happened_is_listed_as_json_shows_it_everywhere(node):
    await tell(node.broker)
    page = (await node.get("/v1/events")).json()
    assert [each["id"] for each in page["items"]] == ["1", "2", "3", "4"]
    opened, moved, stance, payment = page["items"]
    assert (opened["type"], opened["data"]["peer"]) == ("link-opened", PEER.text)
    assert (moved["type"], moved["data"]["at"]) == ("stage-changed", "2027-01-15T08:00:00+00:00")
    assert (stance["data"]["wallet"], stance["data"]["cause"]) == (WALLETS[1].text, "manual")
    assert payment["data"]["payment"]["number"] == 3
    assert page["next"] is None


async def test_events_come_in_pages_and_by_type(node):
    await tell(node.broker, 5)
    first = (await node.get("/v1/events", limit="3")).json()
    assert ([each["id"] for each in first["items"]], first["next"]) == (["1", "2", "3"], "3")
    rest = (await node.get("/v1/events", cursor="3")).json()
    assert [each["id"] for each in rest["items"]] == ["4", "5", "6", "7", "8"]
    chosen = (await node.get("/v1/events", type="stage-changed")).json()
    assert [each["type"] for each in chosen["items"]] == ["stage-changed"]
    unknown = await node.get("/v1/events", type="weather")
    assert unknown.status_code == 422
    assert "stage-changed" in unknown.json()["detail"]
    assert (await node.get("/v1/events", cursor="-1")).status_code == 422
    beyond = (await node.get("/v1/events", cursor="999")).json()
    assert len(beyond["items"]) == 8, "the server has counted anew"


class Stream:
    """What a client of a feed sees."""

    def __init__(self, feed, place, kinds=KINDS):
        self.seen, self._feed = [], feed
        self._task = asyncio.get_running_loop().create_task(self._run(place, kinds), name="s")

    async def _run(self, place, kinds):
        async for event in self._feed.follow(place, kinds, idle_s=0.02):
            self.seen.append(event and event.place)

    async def stop(self):
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def test_who_follows_misses_nothing_and_goes_on_where_it_was():
    broker, feed = MemoryBroker(), EventFeed()
    await feed.start(broker.connect(Service.API))
    await tell(broker)
    behind, late = Stream(feed, 1), Stream(feed, feed.last)
    chosen = Stream(feed, 0, {"stage-changed"})
    await asyncio.sleep(0.05)
    assert [each for each in behind.seen if each] == [2, 3, 4]
    assert set(late.seen) == {None}, "a sign of life"
    await tell(broker, 2)
    await asyncio.sleep(0.05)
    assert [each for each in behind.seen if each] == [2, 3, 4, 5, 6, 7, 8, 9]
    assert [each for each in late.seen if each] == [5, 6, 7, 8, 9]
    assert [each for each in chosen.seen if each] == [2, 7]
    assert feed.followers == 3
    for each in (behind, late, chosen):
        await each.stop()
    assert feed.followers == 0


async def test_a_feed_is_bounded_in_events_and_followers():
    broker, feed = MemoryBroker(), EventFeed()
    await feed.start(broker.connect(Service.API))
    await tell(broker, KEPT_MAX + 100)
    async with asyncio.timeout(10):
        while feed.last < KEPT_MAX + 103:
            await asyncio.sleep(0.01)
    assert len(feed.since(0, KINDS, 10**6)) == KEPT_MAX
    feed.followers = FOLLOWERS_MAX
    with pytest.raises(FeedFull):
        await anext(feed.follow(0, KINDS, idle_s=1))


async def test_too_many_followers_are_refused(node):
    node.feed.followers = FOLLOWERS_MAX
    answer = await node.get("/v1/events/stream")
    assert answer.status_code == 429
    assert answer.headers["Retry-After"]


async def test_an_event_is_written_as_browsers_read_it():
    broker, feed = MemoryBroker(), EventFeed()
    await feed.start(broker.connect(Service.API))
    await tell(broker)
    [event] = feed.since(1, {"stage-changed"}, 1)
    place, kind, data, *end = event.text.split("\n")
    assert (place, kind, end) == ("id: 2", "event: stage-changed", ["", ""])
    assert json.loads(data.removeprefix("data: "))["stage"] == "routable"
