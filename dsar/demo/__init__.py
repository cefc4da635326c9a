"""
A small company on this machine: mail servers, sample systems, a dozen mails, and the program that answers them.

Effects: writes one folder and listens on free loopback ports. Everything else is the program itself. Everybody in it
is invented.
"""
