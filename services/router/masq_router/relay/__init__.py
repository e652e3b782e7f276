"""Other people's traffic: SETUPs that arrive on links, and sessions that pass through.

replay -> which SETUPs were seen; setups -> what becomes of one; teardown -> how sessions end.
"""
