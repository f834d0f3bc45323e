"""M/M/c in SimPy, as its manual models queues: a process for each customer, a Resource for the servers.

Arguments: servers, arrivals per second, customers. The mean service time is 1 s. Prints the version, how many
customers were served, their mean time in the system in s, and the processor time of the simulation in s.
"""
import importlib.metadata
import random
import sys
import time

import simpy


def customer(env, servers, times):
    arrived = env.now
    with servers.request() as turn:
        yield turn
        yield env.timeout(random.expovariate(1))
    times.append(env.now - arrived)


def source(env, servers, rate, customers, times):
    for _ in range(customers):
        yield env.timeout(random.expovariate(rate))
        env.process(customer(env, servers, times))


servers, rate, customers = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
random.seed(1)
began = time.process_time()
env = simpy.Environment()
times = []
env.process(source(env, simpy.Resource(env, servers), rate, customers, times))
env.run()
took = time.process_time() - began
print(importlib.metadata.version("simpy"), len(times), sum(times) / len(times), took)
