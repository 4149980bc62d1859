#!/bin/sh
# The command line of this bundle, with its own Node.
self=$(readlink -f "$0")
bin=$(dirname "$self")
PATH=$bin:$PATH exec "$bin/node" "$bin/../apps/cli/bin/ringmaster" "$@"
