import os
import tempfile
from contextlib import contextmanager


@contextmanager
def file(file_name):
    file_obj = open(file_name, "w")
    print("opened")
    try:
        yield file_obj
    finally:
        file_obj.close()
        print("closed")


path = os.path.join(tempfile.gettempdir(), f"tutorial-03-{os.getpid()}.txt")

with file(path) as opened_file:
    opened_file.write("Hello, world!")
    print("written")
with open(path) as written:
    print(written.read())

try:
    with file(path):
        raise RuntimeError("out of ink")
except RuntimeError as error:
    print(f"propagated: {error}")

os.remove(path)
