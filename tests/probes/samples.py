"""A good probe profile for each dialect of the lab, as a person would write it."""

REST = b"""
[interfaces]
method = "GET"
path = "/netpos/interfaces"
headers = { X-Terminal = "{terminal}" }
expect = { status = 200, type = "application/json" }

[member]
method = "GET"
path = "/netpos/members/{member}"
headers = { X-Terminal = "{terminal}" }
expect = { status = 200, type = "application/json", json = { path = "number", value = "{member}" } }
"""

SOAP = b"""
[interfaces]
method = "POST"
path = "/NetPOS/Service.asmx"
body = '<Envelope><AccessCode>{access_code}</AccessCode><ListInterfaces/></Envelope>'
headers = { Content-Type = "text/xml; charset=utf-8", SOAPAction = '"urn:netpos/ListInterfaces"' }
expect = { status = 200, type = "text/xml", contains = "<Interface" }

[member]
method = "POST"
path = "/NetPOS/Service.asmx"
body = '<Envelope><AccessCode>{access_code}</AccessCode><Member>{member}</Member></Envelope>'
headers = { Content-Type = "text/xml; charset=utf-8", SOAPAction = '"urn:netpos/LookUp"' }
expect = { status = 200, type = "text/xml", matches = '<Number>[0-9]{1,9}</Number>' }
"""
