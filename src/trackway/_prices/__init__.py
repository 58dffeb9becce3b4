"""What calls cost: rates by provider, model and service tier, money in whole pico-dollars, overrides from a file.

Pure, but for one module (`catalog.py`) that loads the price list when it is asked, and never on a thread that waits
for it: the delivering thread asks, and whoever reads the store.
"""
