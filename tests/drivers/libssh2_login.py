"""The libssh2 driver's login to a server that asks."""

from __future__ import annotations

import paramiko
from libssh2_rig import MODERN, Policy, soon

from ncwire_libssh2 import Libssh2Driver


class Questions(Policy):
    """Asks in rounds; `rounds` has the prompts of each and the answers that are right."""

    methods = "keyboard-interactive"

    def __init__(self, *rounds: tuple[tuple[str, str], ...]) -> None:
        super().__init__()
        self.rounds = list(rounds)

    def check_auth_interactive(self, username, submethods):
        return self._ask()

    def check_auth_interactive_response(self, responses):
        self.seen.append(tuple(responses))
        asked = self.rounds.pop(0)
        if tuple(responses) != tuple(answer for _, answer in asked):
            return paramiko.AUTH_FAILED
        return self._ask() if self.rounds else paramiko.AUTH_SUCCESSFUL

    def _ask(self):
        query = paramiko.InteractiveQuery("title é", "instruction")
        for prompt, _ in self.rounds[0]:
            query.add_prompt(prompt, echo=False)
        return query


def start(server, sock=None):
    driver = Libssh2Driver()
    driver.handshake(sock or server.client_socket, MODERN, soon())
    return driver
