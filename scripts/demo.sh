#!/usr/bin/env bash
# The whole way on drawn shapes: records, training, evaluation, SavedModel, detection. See `make demo`.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-.venv/bin/python}

step() { printf '\n== %s\n' "$*"; }

rm -rf demo
mkdir demo

step "Records of drawn shapes"
"$python" scripts/build_tfrecords.py --format=shapes --output=demo/records --name=shapes \
    --split=train --images=400
"$python" scripts/build_tfrecords.py --format=shapes --output=demo/records --name=shapes \
    --split=val --images=100
"$python" scripts/build_tfrecords.py --format=shapes --output=demo/records --name=shapes \
    --split=test --images=8 --pictures=demo/photos

step "Training"
"$python" scripts/train.py --config=configs/shapes.py --workdir=demo/run \
    --config.data.train='demo/records/shapes-train*' --config.data.val='demo/records/shapes-val*'

step "Evaluation"
"$python" scripts/evaluate.py --model=demo/run --data='demo/records/shapes-val*' \
    --output=demo/evaluation | tee demo/evaluation.txt

step "Export"
"$python" scripts/export.py --model=demo/run --output=demo/saved_model

step "Detection with the SavedModel"
"$python" scripts/detect.py --model=demo/saved_model --input=demo/photos --output=demo/detections

step "Done"
cat demo/evaluation.txt
echo "training curves:   demo/run/results.png"
echo "report:            demo/evaluation/report.html"
echo "SavedModel:        demo/saved_model"
echo "drawn detections:  demo/detections"
