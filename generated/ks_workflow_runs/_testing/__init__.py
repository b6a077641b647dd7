# Copied by `make generate` from overrides/package/_testing/__init__.py. Do not edit it here.
"""What every testing kit does, whatever its contract; `testing` has what the contract says.

contract.py   what the contract says, as data
cel.py        what rules are made of, in place of an engine
schemas.py    JSON values, held against schemas, and as rules see them
making.py     values that are true to schemas and rules
store.py      what there is: resources, credentials, items, and how they change
validation.py    requests, parsed and judged in the order of the contract
responses.py  answers
scripts.py    trouble on request, the clock, and what was asked
server.py     all of it together, as a transport
"""
