from yolo_tf import moved_names

__getattr__ = moved_names.names_from(__name__, "detector")
