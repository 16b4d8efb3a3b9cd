import os
import tempfile
from contextlib import contextmanager


@contextmanager
def file(file_name, method):
    file_obj = open(file_name, method)
    print("opened")
    try:
        yield file_obj
    finally:
        file_obj.close()
        print("closed")


path = os.path.join(tempfile.gettempdir(), f"tutorial-03-{os.getpid()}.txt")

with file(path, "w") as opened_file:
    opened_file.write("Hello, world!")
    print("written")

try:
    with file(path, "r") as opened_file:
        print(opened_file.read())
        raise RuntimeError("that is all there is")
except RuntimeError as error:
    print(f"propagated: {error}")

os.remove(path)
