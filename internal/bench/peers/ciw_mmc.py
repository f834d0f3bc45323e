"""M/M/c in Ciw: a network of one node.

Arguments: servers, arrivals per second, customers. The mean service time is 1 s. Prints the version, how many
customers were served, their mean time in the system in s, and the processor time of the simulation in s.
"""
import sys
import time

import ciw

servers, rate, customers = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
ciw.seed(1)
began = time.process_time()
network = ciw.create_network(
    arrival_distributions=[ciw.dists.Exponential(rate=rate)],
    service_distributions=[ciw.dists.Exponential(rate=1)],
    number_of_servers=[servers],
)
simulation = ciw.Simulation(network)
simulation.simulate_until_max_customers(customers, method="Finish")
took = time.process_time() - began
records = simulation.get_all_records()
times = [r.exit_date - r.arrival_date for r in records if r.record_type == "service"]
print(ciw.__version__, len(times), sum(times) / len(times), took)
