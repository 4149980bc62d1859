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


def next_turn():
    """The next line of rank 0's stdin, on all ranks. Who waits sleeps: Open MPI itself would take a processor for it."""
    if rank == 0:
        line = sys.stdin.readline().encode()
        size_of_line = numpy.array([len(line)], dtype=numpy.int64)
    else:
        size_of_line = numpy.zeros(1, dtype=numpy.int64)
    patient(world.Ibcast(size_of_line))
    text = numpy.frombuffer(line, dtype=numpy.uint8).copy() if rank == 0 else numpy.zeros(size_of_line[0], numpy.uint8)
    patient(world.Ibcast(text))
    return text.tobytes().decode()


def patient(request):
    while not request.Test():
        time.sleep(0.001)


answer({"versions": {"open mpi": MPI.Get_library_version().split(",")[0].split("v")[-1]}})
while line := next_turn():
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
