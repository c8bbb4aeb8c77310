#!/usr/bin/env python3
from yolo_tf.cli.train import entry

entry()
