#!/bin/sh
# npm run bundle:try: makes a bundle, installs it in an empty directory without a network, and trains there. Needs root,
# for a network namespace that has nothing but loopback.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
if [ "${1:-}" != inside ]; then
  node "$here/dist/main.js" --pieces 60M "$place/bundle"
  exec_env="HOME=$place PATH=/usr/bin:/bin BUNDLE=$place/bundle"
  # shellcheck disable=SC2086
  env -i $exec_env unshare --net sh "$0" inside
  exit
fi
ip link set lo up
mkdir "$place/texts"
cd "$place"
seq 200 | sed 's/.*/note & about item & and place &/' >texts/notes.txt
cat >job.yaml <<'JOB'
kind: pretrain
name: notes
model: { architecture: bert, layers: 1, hidden: 16, heads: 2, context: 32 }
tokenizer: { algorithm: wordpiece, vocabulary: 300 }
data: { files: [texts/notes.txt], format: lines }
objective: masked-language-model
batch: { sequences: 4, microbatches: 2 }
optimizer: { learningRate: 1e-3 }
steps: 6
JOB
"$BUNDLE/install" "$place/ringmaster"
ringmaster=$place/ringmaster/bin/ringmaster
damaged=$place/damaged
cp -r "$BUNDLE" "$damaged"
printf x | dd of="$damaged/piece-001" bs=1 seek=1000 conv=notrunc status=none
if "$damaged/install" "$place/none"; then
  echo "a damaged piece was installed" >&2
  exit 1
fi
[ ! -e "$place/none" ]
"$ringmaster" doctor
"$ringmaster" up --workers 2
trap '"$ringmaster" down; rm -rf "$place"' EXIT
"$ringmaster" submit job.yaml --wait
"$ringmaster" models
