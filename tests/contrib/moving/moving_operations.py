"""What stands for each operation of ncclient's Manager, where a program is ported to ncwire.

`m` is ncclient's Manager, `s` a session of ncwire's. Both are run at a server that notes what
comes: see `test_moving_operations.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
NOTIFICATION = "urn:ietf:params:xml:ns:netconf:notification:1.0"
MONITORING = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
DEFAULTS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
POWER = "urn:liberouter:params:xml:ns:netconf:power-control:1.0"
COMMENT = "urn:nokia.com:sros:ns:yang:sr:ietf-netconf-augments"


@dataclass(frozen=True)
class Operation:
    """A call of ncclient's, and what is written in its place."""

    ncclient: str
    ncwire: str
    vendor: str = "default"
    """The device handler that has it, and the profile."""

    @property
    def name(self) -> str:
        """The method's."""
        return self.ncclient.removeprefix("m.").partition("(")[0]


OPERATIONS = (
    Operation("m.get()", 's.rpc("<get/>")'),
    Operation(
        """m.get(filter=("subtree", "<top xmlns='u'/>"))""",
        """s.rpc("<get><filter type='subtree'><top xmlns='u'/></filter></get>")""",
    ),
    Operation(
        """m.get(filter=("xpath", "/a/b"))""",
        """s.rpc("<get><filter type='xpath' select='/a/b'/></get>")""",
    ),
    Operation(
        """m.get(filter=("xpath", ({"p": "u"}, "/p:a")))""",
        """s.rpc("<get><filter type='xpath' xmlns:p='u' select='/p:a'/></get>")""",
    ),
    Operation(
        """m.get(with_defaults="report-all")""",
        f"""s.rpc("<get><with-defaults xmlns='{DEFAULTS}'>report-all</with-defaults></get>")""",
    ),
    Operation(
        """m.get_config("running")""",
        """s.rpc("<get-config><source><running/></source></get-config>")""",
    ),
    Operation(
        """m.get_config("running", filter=("subtree", "<top xmlns='u'/>"))""",
        """s.rpc("<get-config><source><running/></source>"
        "<filter type='subtree'><top xmlns='u'/></filter></get-config>")""",
    ),
    Operation(
        """m.get_schema("ietf-interfaces", version="2018-02-20", format="yang").data""",
        f"""s.rpc("<get-schema xmlns='{MONITORING}'><identifier>ietf-interfaces</identifier>"
        "<version>2018-02-20</version><format>yang</format></get-schema>").data.text""",
    ),
    Operation(
        """m.get_schema("ietf-interfaces").data""",
        f"""s.rpc("<get-schema xmlns='{MONITORING}'>"
        "<identifier>ietf-interfaces</identifier></get-schema>").data.text""",
    ),
    Operation(
        """m.edit_config(target="candidate",
        config=f"<config xmlns='{NC}'><top xmlns='u'/></config>")""",
        """s.rpc("<edit-config><target><candidate/></target>"
        "<config><top xmlns='u'/></config></edit-config>")""",
    ),
    Operation(
        """m.edit_config(target="candidate", config="<config><top xmlns='u'/></config>")""",
        """s.rpc("<edit-config><target><candidate/></target>"
        "<config xmlns=''><top xmlns='u'/></config></edit-config>")""",
    ),
    Operation(
        """m.edit_config(target="running", config=f"<config xmlns='{NC}'/>",
        default_operation="merge", test_option="test-then-set",
        error_option="rollback-on-error")""",
        """s.rpc("<edit-config><target><running/></target>"
        "<default-operation>merge</default-operation><test-option>test-then-set</test-option>"
        "<error-option>rollback-on-error</error-option><config/></edit-config>")""",
    ),
    Operation(
        """m.edit_config(target="running", config="https://h/c", format="url")""",
        """s.rpc("<edit-config><target><running/></target><url>https://h/c</url></edit-config>")""",
    ),
    Operation(
        """m.copy_config(source="running", target="startup")""",
        """s.rpc("<copy-config><target><startup/></target>"
        "<source><running/></source></copy-config>")""",
    ),
    Operation(
        """m.delete_config("startup")""",
        """s.rpc("<delete-config><target><startup/></target></delete-config>")""",
    ),
    Operation(
        """m.validate("candidate")""",
        """s.rpc("<validate><source><candidate/></source></validate>")""",
    ),
    Operation("m.commit()", 's.rpc("<commit/>")'),
    Operation(
        """m.commit(confirmed=True, timeout="120", persist="p")""",
        """s.rpc("<commit><confirmed/><confirm-timeout>120</confirm-timeout>"
        "<persist>p</persist></commit>")""",
    ),
    Operation(
        """m.commit(persist_id="p")""",
        """s.rpc("<commit><persist-id>p</persist-id></commit>")""",
    ),
    Operation(
        """m.cancel_commit("p")""",
        """s.rpc("<cancel-commit><persist-id>p</persist-id></cancel-commit>")""",
    ),
    Operation("m.discard_changes()", 's.rpc("<discard-changes/>")'),
    Operation(
        """m.lock("candidate")""", """s.rpc("<lock><target><candidate/></target></lock>")"""
    ),
    Operation(
        """m.unlock("candidate")""", """s.rpc("<unlock><target><candidate/></target></unlock>")"""
    ),
    Operation(
        """m.create_subscription(stream_name="NETCONF")""",
        f"""s.rpc("<create-subscription xmlns='{NOTIFICATION}'>"
        "<stream>NETCONF</stream></create-subscription>")""",
    ),
    Operation(
        """m.create_subscription(filter=("subtree", "<top xmlns='u'/>"))""",
        f"""s.rpc("<create-subscription xmlns='{NOTIFICATION}'>"
        "<filter xmlns='{BASE}' type='subtree'><top xmlns='u'/></filter>"
        "</create-subscription>")""",
    ),
    Operation(
        """m.create_subscription(start_time="2026-01-01T00:00:00Z",
        stop_time="2026-01-02T00:00:00Z")""",
        f"""s.rpc("<create-subscription xmlns='{NOTIFICATION}'>"
        "<startTime>2026-01-01T00:00:00Z</startTime><stopTime>2026-01-02T00:00:00Z</stopTime>"
        "</create-subscription>")""",
    ),
    Operation(
        """m.kill_session("4")""",
        """s.rpc("<kill-session><session-id>4</session-id></kill-session>")""",
    ),
    Operation("""m.dispatch("get-my-session")""", 's.rpc("<get-my-session/>")'),
    Operation("""m.dispatch(to_ele("<a xmlns='u'/>"))""", """s.rpc("<a xmlns='u'/>")"""),
    Operation("""m.rpc(to_ele("<a xmlns='u'/>"))""", """s.rpc(to_ele("<a xmlns='u'/>"))"""),
    Operation("m.close_session()", "s.close_session()"),
)

BROKEN = {
    "poweroff_machine": f"""s.rpc("<poweroff-machine xmlns='{POWER}'/>")""",
    "reboot_machine": f"""s.rpc("<reboot-machine xmlns='{POWER}'/>")""",
}
"""Those that raise ValueError in ncclient 0.7.1, before anything is sent."""

OF_VENDORS = (
    Operation("""m.rpc("<a xmlns='u'/>")""", """s.rpc("<a xmlns='u'/>")""", "junos"),
    Operation(
        """m.command("show version", format="text")""",
        """s.rpc("<command format='text'>show version</command>")""",
        "junos",
    ),
    Operation(
        """m.get_configuration(format="text")""",
        """s.rpc("<get-configuration format='text'/>")""",
        "junos",
    ),
    Operation(
        """m.load_configuration(action="set", config="set system host-name r1")""",
        """s.rpc("<load-configuration action='set' format='text'><configuration-set>"
        "set system host-name r1</configuration-set></load-configuration>")""",
        "junos",
    ),
    Operation(
        """m.load_configuration(action="set", config=["set system", "delete snmp"])""",
        """s.rpc("<load-configuration action='set' format='text'><configuration-set>"
        "set system\\ndelete snmp</configuration-set></load-configuration>")""",
        "junos",
    ),
    Operation(
        "m.compare_configuration()",
        """s.rpc("<get-configuration compare='rollback' format='text' rollback='0'/>")""",
        "junos",
    ),
    Operation(
        "m.compare_configuration(rollback=1)",
        """s.rpc("<get-configuration compare='rollback' format='text' rollback='1'/>")""",
        "junos",
    ),
    Operation(
        """m.commit(comment="c", check=True)""",
        """s.rpc("<commit-configuration xmlns=''><log>c</log><check/></commit-configuration>")""",
        "junos",
    ),
    Operation(
        """m.commit(confirmed=True, timeout="300")""",
        """s.rpc("<commit-configuration xmlns=''><confirmed/>"
        "<confirm-timeout>5</confirm-timeout></commit-configuration>")""",
        "junos",
    ),
    Operation(
        "m.rollback(rollback=1)", """s.rpc("<load-configuration rollback='1'/>")""", "junos"
    ),
    Operation("m.reboot()", 's.rpc("<request-reboot/>")', "junos"),
    Operation("m.halt()", 's.rpc("<request-halt/>")', "junos"),
    Operation(
        """m.exec_command(["show clock"])""",
        """s.rpc("<exec-command xmlns='http://www.cisco.com/nxos:1.0'>"
        "<cmd>show clock</cmd></exec-command>")""",
        "nexus",
    ),
    Operation(
        "m.save_config()",
        """s.rpc("<save-config xmlns='http://cisco.com/yang/cisco-ia'/>")""",
        "iosxe",
    ),
    Operation(
        """m.cli_display("display clock")""",
        """s.rpc("<CLI><Execution>display clock</Execution></CLI>")""",
        "hpcomware",
    ),
    Operation(
        """m.cli_config("sysname r1")""",
        """s.rpc("<CLI><Configuration>sysname r1</Configuration></CLI>")""",
        "hpcomware",
    ),
    Operation("""m.save("c.cfg")""", """s.rpc("<save><file>c.cfg</file></save>")""", "hpcomware"),
    Operation(
        """m.rollback("c.cfg")""",
        """s.rpc("<rollback><file>c.cfg</file></rollback>")""",
        "hpcomware",
    ),
    Operation("m.get_bulk()", 's.rpc("<get-bulk/>")', "h3c"),
    Operation(
        """m.get_bulk_config("running")""",
        """s.rpc("<get-bulk-config><source><running/></source></get-bulk-config>")""",
        "h3c",
    ),
    Operation("""m.load("c.cfg")""", """s.rpc("<load><file>c.cfg</file></load>")""", "h3c"),
    Operation(
        """m.show_cli("version")""",
        """s.rpc("<get><filter><oper-data-format-cli-block><cli-show>version</cli-show>"
        "</oper-data-format-cli-block></filter></get>")""",
        "alu",
    ),
    Operation(
        """m.commit(comment="c")""",
        f"""s.rpc("<commit><comment xmlns='{COMMENT}'>c</comment></commit>")""",
        "sros",
    ),
)
