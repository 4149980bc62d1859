#!/usr/bin/env bash
# Installs the peers of `npm run bench -- data`, in a virtual environment of their own in the user's cache.
set -euo pipefail
root="${RINGMASTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringmaster}/peers/data"
python3 -m venv "$root"
"$root/bin/pip" install --quiet tokenizers==0.23.3 datasets==5.2.0 datasketch==2.0.0 lxml==6.1.3 xxhash==4.1.0
"$root/bin/python" -c 'import datasets; print("datasets", datasets.__version__, "in", datasets.__path__[0])'
