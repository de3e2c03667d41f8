"""What the tests of the embedded server ask it."""

BASE = "{urn:ietf:params:xml:ns:netconf:base:1.0}"
EVENTS = "urn:ietf:params:xml:ns:netconf:notification:1.0"
SUBSCRIBE = f'<create-subscription xmlns="{EVENTS}"/>'
GET = "<get-config><source><running/></source>%s</get-config>"
