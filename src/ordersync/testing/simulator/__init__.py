"""Years of faults in minutes: the real engine in a simulated world that one seed decides.

``simulate(draw(7))`` plays one; ``python -m ordersync.testing.simulator`` plays many.
"""
