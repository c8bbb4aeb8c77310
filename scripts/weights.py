#!/usr/bin/env python3
from yolo_tf.cli.weights import entry

if __name__ == "__main__":
    entry()
