"""Both sides of a session count alike, and a batch is counted once."""

from masq_kernel.bus.messages.router import VoucherGiven
from masq_kernel.identity.keys import WalletAddress
from masq_kernel.rates import DEFAULT_RATES
from masq_kernel.units import UnixSeconds
from masq_router.metering import VOUCHERS_MAX, Counter, Meter, Metering

WALLET = WalletAddress(bytes(20))
NOW = UnixSeconds(1_800_000_000)


def make_meter(counter, *, side="provided", service="routing", overhead=0):
    return Meter(
        session_id=bytes(16),
        side=side,
        service=service,
        wallet=WALLET,
        rates=DEFAULT_RATES,
        counters=(counter,),
        overhead=overhead,
    )


def test_originator_and_relay_arrive_at_the_same_amount():
    plaintext, at_relay = Counter(), Counter()
    for size in (1_024, 32_768, 4_096):
        plaintext.add(size)
        at_relay.add(size + 3 * 16)
    consumed = make_meter(plaintext, side="consumed", overhead=3 * 16)
    provided = make_meter(at_relay)
    assert consumed.amount == provided.amount
    assert provided.amount == 53_844 * 3 + 53_844 * (1_024 + 32_768 + 4_096 + 3 * 48)


def test_batches_add_up_to_the_total():
    counter = Counter()
    meter, metering = make_meter(counter), Metering("boot-1")
    metering.add(meter)
    reported = 0
    for size in range(1, 50):
        counter.add(size)
        batch = metering.batch(NOW)
        reported += sum(int(entry.amount) for entry in batch.entries)
        metering.confirm(batch.event_id)
    assert reported == meter.amount
    assert metering.batch(NOW) is None


def test_an_unconfirmed_batch_is_offered_again_unchanged():
    counter, metering = Counter(), Metering("boot-1")
    metering.add(make_meter(counter))
    counter.add(100)
    first = metering.batch(NOW)
    counter.add(100)
    assert metering.batch(NOW) is first
    metering.confirm(first.event_id)
    second = metering.batch(NOW)
    assert second.event_id != first.event_id
    assert second.entries[0].packages == 1


def test_a_closed_meter_reports_its_rest_and_is_forgotten():
    counter, metering = Counter(), Metering("boot-1")
    meter = make_meter(counter)
    metering.add(meter)
    counter.add(100)
    metering.close([meter])
    assert metering.batch(NOW).entries[0].size == 100
    assert metering.meter_count == 0


def voucher(wallet, sequence):
    return VoucherGiven(
        wallet=wallet,
        secret_hash=bytes(32),
        rates=DEFAULT_RATES,
        expires_at=NOW,
        owed=str(sequence),
        sequence=sequence,
        signature=bytes(65),
    )


def test_only_the_latest_word_of_each_payer_is_reported_once():
    metering, other = Metering("boot-1"), WalletAddress(bytes(19) + b"\x01")
    for each in (voucher(WALLET, 2), voucher(WALLET, 1), voucher(other, 9), voucher(WALLET, 3)):
        metering.note(each)
    batch = metering.batch(NOW)
    assert batch.entries == ()
    assert {each.wallet: each.sequence for each in batch.vouchers} == {WALLET: 3, other: 9}
    assert metering.batch(NOW) is batch, "until it is stored"
    metering.confirm(batch.event_id)
    assert metering.batch(NOW) is None


def test_words_of_very_many_payers_go_into_several_batches():
    metering = Metering("boot-1")
    for number in range(VOUCHERS_MAX + 1):
        metering.note(voucher(WalletAddress(number.to_bytes(20, "big")), 1))
    sizes = []
    while (batch := metering.batch(NOW)) is not None:
        sizes.append(len(batch.vouchers))
        metering.confirm(batch.event_id)
    assert sizes == [VOUCHERS_MAX, 1]
