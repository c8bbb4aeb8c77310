#!/usr/bin/env python3
from yolo_tf.cli.benchmark import entry

if __name__ == "__main__":  # processes whose memory is measured read this file too
    entry()
