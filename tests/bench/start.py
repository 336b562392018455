"""Imports one handler in this fresh interpreter, as Lambda does when it starts one; says how long.

A program: the environment is the function's own, the module is named on the command line.
"""

import importlib
import sys
import time

began = time.perf_counter()
worked = time.process_time()
importlib.import_module(sys.argv[1])
print((time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000)
