"""
Doubles of products that cannot run here: not the products, but what their vendors' documents say of them.

Each is a server on this machine and a `.json` file: an extract of the vendor's description of the API (OpenAPI), with
its sources and the day they were read. A request that the description does not allow is answered 400 and kept as a
fault, and so is an answer of the double itself that differs from it.
"""
