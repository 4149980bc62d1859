#!/bin/bash
# runtime.sh ARGUMENT…: crun for machines that let nobody raise a limit, root neither (CAP_SYS_RESOURCE): a container keeps
# the limits of whoever starts it.
set -euo pipefail
before=
for argument in "$@"; do
  case $before in --bundle | -b)
    node -e '
      const file = process.argv[1] + "/config.json";
      const fs = require("fs");
      const config = JSON.parse(fs.readFileSync(file, "utf8"));
      delete config.process.rlimits;
      delete config.process.oomScoreAdj;
      fs.writeFileSync(file, JSON.stringify(config));' "$argument"
    ;;
  esac
  before=$argument
done
exec crun "$@"
