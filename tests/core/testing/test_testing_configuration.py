import pytest
from defusedxml.ElementTree import fromstring

from ncwire.testing.configuration import Configuration
from ncwire.testing.document import DocumentError, parse, serialise
from ncwire.testing.rpc_error import RPCError

NC = 'xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"'
PORTS = (
    '<ports xmlns="urn:p"><port><name>a</name><speed>1</speed></port>'
    "<port><name>b</name><speed>1</speed></port></ports>"
)


def config(content):
    return fromstring(f"<config {NC}>{content}</config>")


def after(initial, change, default_operation="merge"):
    start = Configuration.parse(f"<config {NC}>{initial}</config>")
    return text_of(start.edited(config(change), default_operation))


def text_of(configuration, subtree=None):
    # What has no namespace says so, for it stands in a reply that has one.
    return configuration.text(subtree).decode().replace(' xmlns=""', "")


@pytest.mark.parametrize(
    ("initial", "change", "result"),
    [
        pytest.param("", "<a>1</a>", "<a>1</a>", id="into-nothing"),
        pytest.param("<a>1</a>", "<b>2</b>", "<a>1</a><b>2</b>", id="beside-another"),
        pytest.param("<a>1</a>", "<a>2</a>", "<a>2</a>", id="leaf"),
        pytest.param("<a><x>1</x></a>", "<a><y>2</y></a>", "<a><x>1</x><y>2</y></a>", id="deep"),
        pytest.param("<a><x>1</x></a>", "<a/>", "<a><x>1</x></a>", id="empty-container"),
        pytest.param(
            "<a><l>1</l><l>2</l></a>",
            "<a><l>3</l></a>",
            "<a><l>1</l><l>2</l><l>3</l></a>",
            id="leaf-list",
        ),
        pytest.param(
            "<a><e><name>1</name></e></a>",
            "<a><e><name>2</name></e></a>",
            "<a><e><name>1</name></e><e><name>2</name></e></a>",
            id="list-entry-added",
        ),
        pytest.param(
            PORTS,
            '<ports xmlns="urn:p"><port><name>b</name><speed>9</speed></port></ports>',
            PORTS.replace("<name>b</name><speed>1", "<name>b</name><speed>9"),
            id="list-entry-merged",
        ),
    ],
)
def test_merge(initial, change, result):
    assert after(initial, change) == result


@pytest.mark.parametrize(
    ("change", "result"),
    [
        pytest.param('<a nc:operation="replace"><y>2</y></a>', "<a><y>2</y></a>", id="replace"),
        pytest.param('<b nc:operation="replace"/>', "<a><x>1</x></a><b />", id="replace-none"),
        pytest.param('<b nc:operation="create"/>', "<a><x>1</x></a><b />", id="create"),
        pytest.param('<a nc:operation="delete"/>', "", id="delete"),
        pytest.param('<a nc:operation="remove"/>', "", id="remove"),
        pytest.param('<b nc:operation="remove"/>', "<a><x>1</x></a>", id="remove-none"),
        pytest.param('<a><x nc:operation="delete"/></a>', "<a />", id="delete-inside"),
    ],
)
def test_operation_attribute(change, result):
    assert after("<a><x>1</x></a>", change) == result


@pytest.mark.parametrize(
    ("change", "default_operation", "tag"),
    [
        ('<a nc:operation="create"/>', "merge", "data-exists"),
        ('<b nc:operation="delete"/>', "merge", "data-missing"),
        ('<b><c nc:operation="delete"/></b>', "merge", "data-missing"),
        ("<b/>", "none", "data-missing"),
        ('<a nc:operation="wipe"/>', "merge", "bad-attribute"),
    ],
)
def test_refused_edit(change, default_operation, tag):
    with pytest.raises(RPCError) as refused:
        after("<a/>", change, default_operation)
    assert refused.value.tag == tag


def test_default_operation_none_changes_only_what_asks_for_it():
    change = '<a><x>9</x><y nc:operation="merge">2</y></a>'
    assert after("<a><x>1</x></a>", change, "none") == "<a><x>1</x><y>2</y></a>"


def test_an_edit_leaves_the_old_configuration_as_it_was():
    start = Configuration.parse(PORTS)
    start.edited(
        config('<ports xmlns="urn:p"><port><name>b</name><speed>9</speed></port></ports>')
    )
    assert text_of(start) == PORTS


@pytest.mark.parametrize(
    ("wanted", "result"),
    [
        pytest.param("", "", id="empty"),
        pytest.param('<ports xmlns="urn:p"/>', PORTS, id="top-level"),
        pytest.param("<ports/>", PORTS, id="any-namespace"),
        pytest.param('<ports xmlns="urn:other"/>', "", id="other-namespace"),
        pytest.param("<nothing/>", "", id="other-name"),
        pytest.param(
            '<ports xmlns="urn:p"><port><name/></port></ports>',
            '<ports xmlns="urn:p"><port><name>a</name></port><port><name>b</name></port></ports>',
            id="selection",
        ),
        pytest.param(
            '<ports xmlns="urn:p"><port><name>b</name></port></ports>',
            '<ports xmlns="urn:p"><port><name>b</name><speed>1</speed></port></ports>',
            id="content-match",
        ),
        pytest.param(
            '<ports xmlns="urn:p"><port><name>b</name><speed/></port></ports>',
            '<ports xmlns="urn:p"><port><name>b</name><speed>1</speed></port></ports>',
            id="content-match-and-selection",
        ),
        pytest.param(
            '<ports xmlns="urn:p"><port><name>c</name></port></ports>', "", id="no-match"
        ),
        pytest.param('<ports up="yes"/>', "", id="attribute-match"),
    ],
)
def test_subtree_filter(wanted, result):
    configuration = Configuration.parse(f"<config>{PORTS}<other/></config>")
    assert text_of(configuration, config(wanted)) == result


def test_initial_configuration_may_be_one_element():
    assert text_of(Configuration.parse(PORTS)) == PORTS


@pytest.mark.parametrize(
    "text",
    [
        "<a><b xmlns='urn:b'><c/></b><b/></a>",
        "<a xmlns='urn:a' x='1' xmlns:p='urn:p' p:y='2'>t&amp;&lt;]]&gt;\N{SNOWMAN}</a>",
    ],
)
def test_serialised_means_the_same(text):
    def shape(element):
        return element.tag, element.attrib, element.text, [shape(child) for child in element]

    element = parse(text.encode())
    assert shape(parse(serialise(element))) == shape(element)
    assert b"]]>" not in serialise(element)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<a>",
        b"<a/><b/>",
        b"<a>\xff</a>",
        "<?xml version='1.0' encoding='latin-1'?><a>\xe9</a>".encode("latin-1"),
        b"<!DOCTYPE a><a/>",
        b"<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
        b"<a>" * 500 + b"</a>" * 500,
    ],
)
def test_refused_document(document):
    with pytest.raises(DocumentError):
        parse(document)
