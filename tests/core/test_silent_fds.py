"""A library knows more than its fd tells: nothing of that is left lying."""

from __future__ import annotations

import os
import select
import threading

import pytest
from callers import BASE, CLIENT, NOTIFICATION, Noting, asked, until_polling

from ncwire import Session
from ncwire.driver import Readiness, Wait
from ncwire.testing.memory import MemoryChannel


class Hoarding(MemoryChannel):
    """Takes in all that comes, as libssh2 does: the fd tells nothing of what it still has."""

    hoard = b""

    def read(self, size):
        data = super().read(1 << 20)
        while data:
            self.hoard += data
            if b"<rpc-reply" not in self.hoard or self.hoard.endswith(b"</notification>]]>]]>"):
                break
            select.select([self], [], [], 20)
            data = super().read(1 << 20)
        if not self.hoard:
            return data
        data, self.hoard = self.hoard[:size], self.hoard[size:]
        return data


def test_what_is_left_after_the_reply_is_read_though_the_fd_is_silent(peer):
    peer.channel.close()
    peer.sock.close()
    peer.channel, peer.sock = Hoarding.pair()
    peer.sock.settimeout(20)
    peer.hello()
    large = NOTIFICATION.format("x" * 2_000_000)
    with Session(CLIENT) as session:
        session.open(peer.channel)
        peer.receive()
        # A listener that is called at once: others' messages are left to the loop anyway.
        notifications = session.notifications()
        for _ in range(2):
            receiving = threading.Thread(target=session.rpc, args=("<get/>",))
            receiving.start()
            reply = f'<rpc-reply xmlns="{BASE}" message-id="{asked(peer)}"><ok/></rpc-reply>]]>]]>'
            peer.sock.sendall((reply + large + "]]>]]>").encode())
            receiving.join()
            assert notifications.get(timeout=20).raw == large
        session.close()


class Taking(MemoryChannel):
    """Takes in what the peer sent when it writes, as libssh2 does: the fd is silent after that."""

    hoard = b""

    def write(self, data):
        if b"<rpc" in bytes(data):
            self.hoard = self.arrived
        return super().write(data)

    def read(self, size):
        if not self.hoard:
            return super().read(size)
        data, self.hoard = self.hoard[:size], self.hoard[size:]
        return data


def test_what_a_write_took_in_is_read_to_its_end(peer):
    large = NOTIFICATION.format("x" * 2_000_000)
    peer.channel.__class__ = Taking
    peer.channel.arrived = f"{large}]]>]]>".encode()
    peer.hello()
    with Session(CLIENT) as session:
        session.open(peer.channel)
        peer.receive()
        notifications = session.notifications()
        session.submit("<get/>")
        assert notifications.get(timeout=20).raw == large
        session.close()


class Telling(MemoryChannel):
    """Tells of what has come in another way than by its fd."""

    tell = None

    def fileno(self):
        return self.silent

    def on_ready(self, wake):
        self.tell = wake


def test_a_listener_that_takes_long_does_not_hold_up_the_caller_whose_reply_has_come(peer):
    answered = threading.Event()

    class Slow(Noting):
        def callback(self, root, raw):
            super().callback(root, raw)
            if not answered.wait(20):
                self.errors.append("the caller was held up")

    peer.channel.__class__ = Telling
    peer.channel.silent = os.eventfd(0)
    peer.hello()
    session, listener = Session(CLIENT), Slow()
    session.open(peer.channel)
    peer.receive()
    session.add_listener(listener)

    def play():
        reply = f'<rpc-reply xmlns="{BASE}" message-id="{asked(peer)}"><ok/></rpc-reply>]]>]]>'
        until_polling(threading.main_thread())
        peer.sock.sendall(f"{NOTIFICATION.format(1)}]]>]]>{reply}".encode())
        peer.channel.tell()

    peer.script(play)
    session.rpc("<get/>")
    answered.set()
    listener.wait(2)
    session.close()
    assert [each for each in listener.errors if isinstance(each, str)] == []
    os.close(peer.channel.silent)


class Adjusting(MemoryChannel):
    """Has something to send of its own after each rpc, as libssh2 may: a window adjustment."""

    left = 0

    def wants(self):
        return Wait(Readiness.READ | Readiness.WRITE) if self.left else super().wants()

    def write(self, data):
        if b"<rpc" in bytes(data):
            self.left = 2  # calls: when the loop is told, and when the fd is ready
        return super().write(data)

    def read(self, size):
        if self.left and threading.current_thread() is not threading.main_thread():
            self.left -= 1
            if not self.left:
                self.adjusted.set()
        return super().read(size)


@pytest.mark.parametrize("begin", ["rpc", "submit"])
def test_what_a_library_has_to_send_the_loop_sends_when_it_can(peer, begin):
    peer.channel.__class__ = Adjusting
    peer.channel.adjusted = threading.Event()
    peer.hello()
    with Session(CLIENT) as session:
        session.open(peer.channel)
        peer.receive()

        def play():
            message_id = asked(peer)
            if peer.channel.adjusted.wait(20):
                peer.reply(message_id)

        peer.script(play)
        if begin == "rpc":
            session.rpc("<get/>")
        else:
            session.submit("<get/>").result(20)
        session.close()
