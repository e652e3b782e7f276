"""What clients say to the proxy: SOCKS5 and HTTP CONNECT."""

import base64

import pytest

from masq_router.errors import ProxyProtocolError
from masq_router.origin.greeting import EARLY_SIZE_MAX, Greeting
from masq_router.origin.http_connect import HEAD_SIZE_MAX
from masq_router.origin.request import AssociateRequest, isolation_of, usable_host
from masq_router.streams.errors import ResetCode

NO_AUTH, USER_PASSWORD, BOTH = b"\x05\x01\x00", b"\x05\x01\x02", b"\x05\x02\x00\x02"


def socks_target(kind=3, host=b"\x0bexample.org", port=443, command=1):
    return bytes([5, command, 0, kind]) + host + port.to_bytes(2, "big")


def credentials(user=b"user", password=b"pass"):
    return b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password


def greet(*messages):
    greeting = Greeting()
    return greeting, [greeting.receive(message) for message in messages]


def refusal(*messages):
    *before, last = messages
    greeting, _ = greet(*before)
    with pytest.raises(ProxyProtocolError) as caught:
        greeting.receive(last)
    return caught.value.answer


class TestSocks5:
    def test_without_credentials(self):
        greeting, answers = greet(NO_AUTH, socks_target())
        assert answers == [b"\x05\x00", b""]
        assert (greeting.request.host, greeting.request.port) == ("example.org", 443)
        assert greeting.request.isolation == b""
        assert greeting.accepted() == b"\x05\x00\x00\x01" + bytes(6)

    def test_credentials_are_preferred_and_isolate(self):
        greeting, answers = greet(BOTH, credentials(), socks_target())
        assert answers == [b"\x05\x02", b"\x01\x00", b""]
        assert greeting.request.isolation == isolation_of(b"user", b"pass")

    def test_everything_at_once_and_bytes_after_it(self):
        greeting, answers = greet(USER_PASSWORD + credentials() + socks_target() + b"GET /")
        assert answers == [b"\x05\x02\x01\x00"]
        assert greeting.leftover() == b"GET /"

    @pytest.mark.parametrize(
        ("kind", "raw", "host"),
        [
            (1, b"\x01\x02\x03\x04", "1.2.3.4"),
            (4, bytes(15) + b"\x01", "::1"),
            (3, b"\x071.2.3.4", "1.2.3.4"),
            (3, b"\x0cEXAMPLE.org.", "example.org"),
            (3, b"\x0cb\xc3\xbccher.test", "xn--bcher-kva.test"),
        ],
    )
    def test_every_kind_of_address(self, kind, raw, host):
        greeting, _ = greet(NO_AUTH, socks_target(kind, raw))
        assert greeting.request.host == host

    def test_a_client_that_wants_to_send_datagrams_hears_where_they_are_taken(self):
        greeting, _ = greet(NO_AUTH, socks_target(command=3))
        assert isinstance(greeting.request, AssociateRequest)
        assert greeting.accepted_at(("127.0.0.1", 4660)) == b"\x05\0\0\x01\x7f\0\0\x01\x12\x34"
        assert greeting.accepted_at(("::1", 80))[3:] == b"\x04" + bytes(15) + b"\x01\0\x50"

    @pytest.mark.parametrize(
        ("messages", "answer"),
        [
            ((b"\x05\x01\x01",), b"\x05\xff"),  # GSSAPI only
            ((NO_AUTH, socks_target(command=2)), b"\x05\x07"),  # BIND
            ((NO_AUTH, socks_target(kind=9)), b"\x05\x08"),
            ((NO_AUTH, socks_target(port=0)), b"\x05\x01"),
            ((NO_AUTH, socks_target(host=b"\x00")), b"\x05\x01"),
            ((NO_AUTH, socks_target(host=b"\x03a\x00b")), b"\x05\x01"),
            ((NO_AUTH, b"\x04\x01\x00\x03"), b"\x05\x01"),
            ((USER_PASSWORD, b"\x02\x01a\x01b"), b"\x01\x01"),
        ],
    )
    def test_what_is_not_served_has_its_reply(self, messages, answer):
        assert refusal(*messages)[: len(answer)] == answer

    @pytest.mark.parametrize(
        ("code", "reply"),
        [
            (ResetCode.REFUSED_BY_POLICY, 2),
            (ResetCode.NETWORK_UNREACHABLE, 3),
            (ResetCode.NO_ROUTE, 3),
            (ResetCode.HOST_UNREACHABLE, 4),
            (ResetCode.NAME_NOT_RESOLVED, 4),
            (ResetCode.CONNECTION_REFUSED, 5),
            (ResetCode.TIMED_OUT, 6),
            (ResetCode.EXIT_GONE, 1),
        ],
    )
    def test_each_reason_has_its_reply(self, code, reply):
        greeting, _ = greet(NO_AUTH, socks_target())
        assert greeting.refused(code) == bytes([5, reply, 0, 1]) + bytes(6)

    def test_what_was_answered_before_a_refusal_is_not_lost(self):
        assert refusal(NO_AUTH + socks_target(command=2))[:4] == b"\x05\x00\x05\x07"


def test_socks4_is_refused_in_its_own_words():
    assert refusal(b"\x04\x01\x00\x50") == b"\x00\x5b" + bytes(6)


@pytest.mark.parametrize("first", [b"\x16\x03\x01", b"\x00", b"\xff", b" ", b"\r\n"])
def test_what_begins_no_protocol_is_refused_at_once(first):
    assert refusal(first).startswith(b"HTTP/1.1 400 ")


class TestHttpConnect:
    def test_connect(self):
        greeting, answers = greet(b"CONNECT Example.org:443 HTTP/1.1\r\nHost: x\r\n\r\nearly")
        assert answers == [b""]
        assert (greeting.request.host, greeting.request.port) == ("example.org", 443)
        assert greeting.leftover() == b"early"
        assert greeting.accepted() == b"HTTP/1.1 200 Connection established\r\n\r\n"

    def test_an_ipv6_target(self):
        greeting, _ = greet(b"CONNECT [2001:db8::1]:8443 HTTP/1.1\r\n\r\n")
        assert (greeting.request.host, greeting.request.port) == ("2001:db8::1", 8443)

    def test_credentials_isolate_like_those_of_socks(self):
        basic = base64.b64encode(b"user:pass").decode()
        head = f"CONNECT a.org:1 HTTP/1.1\r\nProxy-Authorization: Basic {basic}\r\n\r\n"
        greeting, _ = greet(head.encode())
        assert greeting.request.isolation == isolation_of(b"user", b"pass")

    @pytest.mark.parametrize(
        ("head", "status"),
        [
            (b"GET http://example.org/ HTTP/1.1\r\n\r\n", b"405"),
            (b"CONNECT example.org HTTP/1.1\r\n\r\n", b"400"),
            (b"CONNECT example.org:0 HTTP/1.1\r\n\r\n", b"400"),
            (b"CONNECT example.org:65536 HTTP/1.1\r\n\r\n", b"400"),
            (b"CONNECT example.org:4x3 HTTP/1.1\r\n\r\n", b"400"),
            (b"CONNECT exa mple.org:443 HTTP/1.1\r\n\r\n", b"400"),
            (b"CONNECT :443 HTTP/1.1\r\n\r\n", b"400"),
            (b"CONNECT example.org:443 HTTP/9\r\n\r\n", b"400"),
            (b"CONNECT example.org:443 HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
            (b"CONNECT [::1%zz]:443 HTTP/1.1\r\n\r\n", b"400"),
            (b"CONNECT a.org:1 HTTP/1.1\r\nProxy-Authorization: Basic YTpi\r\nx\r\n\r\n", b"400"),
            (b"CONNECT a.org:1 HTTP/1.1\r\nProxy-Authorization: Bearer x\r\n\r\n", b"400"),
            (b"CONNECT a.org:1 HTTP/1.1\r\nProxy-Authorization: Basic %%\r\n\r\n", b"400"),
            (b"C\xff\xfe\r\n\r\n", b"400"),
            (b"CONNECT " + b"a" * HEAD_SIZE_MAX, b"431"),
        ],
    )
    def test_what_is_not_served_has_its_status(self, head, status):
        assert refusal(head).startswith(b"HTTP/1.1 " + status + b" ")

    def test_a_client_that_does_not_tunnel_is_told_how(self):
        answer = refusal(b"GET / HTTP/1.1\r\n\r\n")
        assert b"Allow: CONNECT\r\n" in answer
        assert b"--proxytunnel" in answer

    @pytest.mark.parametrize("code", list(ResetCode))
    def test_every_refusal_is_a_whole_answer_with_a_sentence(self, code):
        greeting, _ = greet(b"CONNECT a.org:1 HTTP/1.1\r\n\r\n")
        head, _, body = greeting.refused(code).partition(b"\r\n\r\n")
        assert b"Proxy-Status: masq; error=" in head
        assert b"Content-Length: %d\r\n" % len(body) in head
        assert body.endswith(b".\n")


def test_more_than_a_client_may_send_before_its_connection_stands_is_refused():
    greeting, _ = greet(NO_AUTH, socks_target())
    for _ in range(4):
        greeting.receive(bytes(EARLY_SIZE_MAX // 4))
    with pytest.raises(ProxyProtocolError):
        greeting.receive(bytes(EARLY_SIZE_MAX // 4))


def test_isolation_is_unambiguous():
    seen = {
        isolation_of(user, password)
        for user, password in [
            (b"ab", b"c"),
            (b"a", b"bc"),
            (b"abc", b""),
            (b"", b"abc"),
            (b"", b""),
        ]
    }
    assert len(seen) == 5


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a" * 256,
        "a b",
        "a\nb",
        "a/b",
        "[1.2.3.4",
        "ex\x7fample",
        "2606:4700::1%é",
        "fe80::1%eth0",
        "[::1%" + "z" * 300 + "]",
        "a..b",
        "a.org..",
        "foo.onion。。",
    ],
)
def test_what_cannot_be_a_host_is_none(text):
    assert usable_host(text) is None


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("foo.onion。", "foo.onion"),
        ("_dmarc.Example.ORG", "_dmarc.example.org"),
        ("[::1]", "::1"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_hosts_have_one_spelling(text, host):
    assert usable_host(text) == host
