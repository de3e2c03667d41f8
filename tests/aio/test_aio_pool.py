"""The threads that connect for event loops, when starting one is interrupted."""

from __future__ import annotations

import threading

from interrupting import Interrupter, folder_of, raising
from ncwire.aio.pool import Pool

FOLDERS = [folder_of("ncwire.aio"), folder_of("ncwire.driver")]
PATIENCE = 20.0
SIZE = 2


def test_an_interrupt_comes_out_and_leaves_as_many_threads_as_there_may_be():
    at = 1
    with raising(KeyboardInterrupt):
        while True:
            pool, interrupted = Pool(SIZE), False
            go_on, begun = threading.Event(), threading.Semaphore(0)

            def work(go_on=go_on, begun=begun):
                begun.release()
                assert go_on.wait(PATIENCE)

            pool.submit(work)  # one is at work, which could do the second, too
            assert begun.acquire(timeout=PATIENCE)
            interrupter = Interrupter(at, FOLDERS, waits_too=True)
            try:
                with interrupter:
                    pool.submit(work)
            except KeyboardInterrupt:
                interrupted = True
            assert interrupted == bool(interrupter.where), interrupter.where
            for _ in range(SIZE + 1):
                pool.submit(work)
            # As many as may be are at work; the others wait for their turn.
            assert begun.acquire(timeout=PATIENCE), interrupter.where
            assert not begun.acquire(timeout=0.01), interrupter.where
            go_on.set()
            if not interrupter.where:
                break
            at += 1
    assert at > 20
