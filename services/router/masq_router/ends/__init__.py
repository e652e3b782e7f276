"""What originator and exit share: the shells around an association.

pump -> packages onto a link; tcp -> the TCP socket at one end of a stream.
"""
