"""A configuration with a secret in it that is searched for where it must not be."""

PASSWORD = "Marked-1f-Password"
DATASTORE = f"""
<config><system xmlns="urn:example"><hostname>r1</hostname>
<user><name>u</name><password>{PASSWORD}</password></user></system></config>
"""
