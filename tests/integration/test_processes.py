"""Forks and exits with sessions over a real server, on every driver."""

from __future__ import annotations

import multiprocessing
import os
import threading
import warnings
from concurrent.futures import ProcessPoolExecutor

import pytest

import ncwire
from children import QUICK, in_child, refusal
from ncwire.errors import RPCTimeoutError

GET = "<get/>"

pytestmark = [
    pytest.mark.sshd,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

PREPARE = """
import os, select, sys, threading, time
import ncwire
host, port, user, key, known_hosts, driver = sys.argv[1:7]
def connect(**more):
    return ncwire.connect(host, port=int(port), username=user, key_filename=key, driver=driver,
                          known_hosts=known_hosts, allow_agent=False, look_for_keys=False, **more)
"""


@pytest.fixture
def run(sshd, driver, run_program):
    """Run a program that can `connect`."""
    place = [sshd.host, str(sshd.port), sshd.user, str(sshd.client_key), str(sshd.known_hosts)]

    def run(program, *arguments, **options):
        return run_program(PREPARE + program, *place, driver, *arguments, **options)

    return run


def busy(session, over):
    def work():
        while not over.is_set():
            session.rpc(GET, 60)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.usefixtures("many_switches")
def test_children_forked_among_busy_threads_end_and_can_connect(sshd, connect):
    session = connect(sshd)
    over = threading.Event()
    threads = busy(session, over)

    def child():
        calls = [refusal(lambda: session.rpc(GET)), refusal(session.close)]
        return calls, session.transport, session.connected

    def connecting():
        mine = connect(sshd)
        said = "ok" in mine.rpc(GET, 60).raw or mine.connected
        mine.close()
        return said

    try:
        for _ in range(15):
            calls, transport, connected = in_child(child)
            assert [kind for kind, _, _ in calls] == ["SessionCloseError", ""]
            assert max(seconds for _, _, seconds in calls) < QUICK
            assert transport is None
            assert not connected
        assert in_child(connecting)
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    assert session.rpc(GET, 60).raw


EXITS_IN_THE_CHILD = """
session = connect()
over = threading.Event()
def work():
    while not over.is_set():
        session.rpc("<get/>", 60)
workers = [threading.Thread(target=work) for _ in range(2)]
for worker in workers: worker.start()
sys.setswitchinterval(1e-6)
for number in range(8):
    pid = os.fork()
    if not pid:
        if number % 2: del session
        import gc; gc.collect()
        sys.exit(0)
    child = os.pidfd_open(pid)
    if not select.select([child], [], [], 20)[0]:
        os.kill(pid, 9)
        sys.exit("the child does not exit")
    os.close(child)
    ended = os.waitpid(pid, 0)
    assert ended[1] == 0, ended
over.set()
for worker in workers: worker.join()
assert session.rpc("<get/>", 60).raw
session.close()
"""


def test_a_childs_normal_exit_disturbs_nothing(run):
    run(EXITS_IN_THE_CHILD)


def work_in_pool(parameters, driver):
    """Connect in a worker, and raise what most often comes out of one."""
    session = ncwire.connect(driver=driver, **parameters)
    session.close()
    raise RPCTimeoutError("1", 3.0)


def test_a_process_pool_that_forks(sshd, connect, driver):
    session = connect(sshd)
    parameters = {
        "host": sshd.host,
        "port": sshd.port,
        "username": sshd.user,
        "key_filename": str(sshd.client_key),
        "known_hosts": str(sshd.known_hosts),
        "allow_agent": False,
        "look_for_keys": False,
    }
    context = multiprocessing.get_context("fork")
    with warnings.catch_warnings():
        # Python 3.12 on warns of a fork with other threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        pool = ProcessPoolExecutor(2, mp_context=context)
        results = [pool.submit(work_in_pool, parameters, driver) for _ in range(4)]
        errors = [result.exception(60) for result in results]
        pool.shutdown()
    assert [str(error) for error in errors] == [str(RPCTimeoutError("1", 3.0))] * 4
    assert session.rpc(GET, 60).raw


# --- the end of the interpreter ---------------------------------------------------------------

WRAPPED = """
WORK = '''
def work(session, answered):
    while True:
        session.rpc("<get/>", 60)
        answered.release()
def hook(args): pass
'''
class Device:
    def __init__(self, session):
        self.session = session
    def __del__(self):
        began = time.monotonic()
        self.session.close()
        if time.monotonic() - began > 2:
            os.write(2, b"slow")
        os.write(1, b"closed\\n")
hub = ncwire.Hub() if sys.argv[7] == "hub" else None
devices = [Device(connect(hub=hub)) for _ in range(3)]
if sys.argv[8] == "busy":
    # With globals of its own: it would keep these here alive when it is frozen.
    its = {}
    exec(WORK, its)
    answered = threading.Semaphore(0)
    threading.Thread(target=its["work"], args=[devices[0].session, answered], daemon=True).start()
    sys.setswitchinterval(1e-6)
    for _ in range(20): answered.acquire()
    # What ends while it works is told by that thread, and is nothing here.
    threading.excepthook = its["hook"]
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
@pytest.mark.parametrize("home", ["own", "hub"])
def test_a_wrapper_that_closes_when_the_interpreter_takes_it_apart(run, home, state):
    out = run(WRAPPED, home, state, seconds=40, warnings="ignore")
    assert out == "closed\n" * 3


AT_EXIT = """
import atexit, weakref
hub = ncwire.Hub() if sys.argv[7] == "hub" else None
early, late, by_finalizer = [connect(hub=hub) for _ in range(3)]
class Owner: pass
owner = Owner()
def check():
    for session in (early, late, by_finalizer):
        assert not session.connected and session.cause.closed_by == "us", session.cause
weakref.finalize(owner, check)  # the first that is made is the last that is called
weakref.finalize(owner, by_finalizer.close)
atexit.register(early.close)
atexit.register(late.close_session)
if hub: atexit.register(hub.close)
"""


@pytest.mark.parametrize("home", ["own", "hub"])
def test_what_exit_handlers_close_is_not_told_of(run, home):
    run(AT_EXIT, home, seconds=40)
