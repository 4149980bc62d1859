"""All ranks of a peer of `ring`: Open MPI's all-reduce, under `mpirun`. Rank 0 speaks for all of them.

It answers one line of JSON when all ranks are there, and one for every line `{"operations": n, "bytes": b}`.
"""

import json
import sys
import time

import numpy
from mpi4py import MPI

settings = json.loads(sys.argv[1])
world = MPI.COMM_WORLD
rank, size = world.rank, world.size
sums = numpy.full(settings["bytes"] // 4, rank + 1, dtype=numpy.int32)
world.Allreduce(MPI.IN_PLACE, sums)
assert (sums == size * (size + 1) // 2).all(), "the sum is wrong"


def answer(message):
    if rank == 0:
        print(json.dumps(message), flush=True)


answer({"versions": {"open mpi": MPI.Get_library_version().split(",")[0].split("v")[-1]}})
while line := world.bcast(sys.stdin.readline() if rank == 0 else None):
    turn = json.loads(line)
    values = numpy.zeros(turn["bytes"] // 4, dtype=numpy.int32)
    world.Barrier()
    started, processor = time.perf_counter(), time.process_time()
    for _ in range(turn["operations"]):
        world.Allreduce(MPI.IN_PLACE, values)
    seconds, processor_seconds = time.perf_counter() - started, time.process_time() - processor
    slowest = world.allreduce(seconds, op=MPI.MAX)
    total = world.allreduce(processor_seconds, op=MPI.SUM)
    answer({"seconds": slowest, "processorSeconds": total})
