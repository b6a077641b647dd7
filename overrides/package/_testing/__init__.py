"""The parts of the testing kit that do not depend on the contract. `testing` has the contract and the public names.

contract.py    the contract, as data
cel.py         CEL operators, for rules translated to Python
schemas.py     validates JSON values by schema
generation.py  generates random values from a schema
rules.py       checks values against rules
repair.py      changes a value until it violates no rule
factory.py     makes items: generation, then repair
store.py       the state of the server: resources, credentials, items
validation.py  parses and validates requests, in the order of the contract
responses.py   makes responses
scripts.py     recorded requests and scripted failures
clock.py       the clock of the server
server.py      the server, as an httpx2 transport
"""
