#!/usr/bin/env python3
from yolo_tf.cli.fit_anchors import entry

if __name__ == "__main__":  # worker processes read this file too
    entry()
