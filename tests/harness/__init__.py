"""harness: the parts of a running Evenpost, and its receivers, as objects.

Everything is judged from outside. Nothing here shares code with the product, and nothing waits for a time: wait_until()
waits for a condition, and fails with what it last saw.
"""
